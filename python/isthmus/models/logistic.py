"""Logistic regression of two parties over one set of customers; see ``docs/protocols/logistic.md``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import numpy as np

from isthmus.errors import InvalidArgument
from isthmus.models.base import FloatArray, VerticalModel, disclose_fast_keys, finite_floats
from isthmus.models.scaling import BlockScaler, checked_clip, quantised, whitening
from isthmus.party.session import Session
from isthmus.protocol.logistic import PROTOCOL, SCORE_PROTOCOL, LogisticParameters, score, train

Self = TypeVar("Self", bound="VerticalLogisticRegression")


class VerticalLogisticRegression(VerticalModel):
    """L2-penalised logistic regression; each party learns and keeps the weights of its own columns only.

    During training, weights, scores, residuals and gradients are secret-shared between the parties; what
    crosses is encrypted or masked. Columns are standardised and clipped locally; a constant column gets
    weight 0.

    Parameters
    ----------
    sigmoid
        "cubic" is within 0.061 of the sigmoid on [-5, 5]; "linear" within 0.131 on [-4, 4], and needs no
        passes.
    iterations
        Passes of the cubic sigmoid, 1 to 3.
    batch_rows
        Rows in each pass, at least 256.
    l2
        The penalty is l2/2·|w|² on the weights of standardised columns; it is scikit-learn's 1/C.
    clip
        Own columns are clipped at so many standard deviations, 1 to 8; the parties may differ in it.
    key_bits
        Size of both parties' Paillier keys, 2048 or more.
    fast_keys
        Use fast keys (:func:`isthmus.paillier.keygen`), under their own assumption; both parties choose so.

    Attributes
    ----------
    coef_
        Weights of this party's own columns, per unit of the column (within the clip).
    intercept_
        This party's part of the score of a row whose own columns are 0; the active party's holds the bias.
    role, party, feature_names, model_id
        Which half this is.
    """

    kind = "logistic"

    def __init__(
        self,
        *,
        sigmoid: Literal["cubic", "linear"] = "cubic",
        iterations: int = 2,
        batch_rows: int = 2048,
        l2: float = 1.0,
        clip: float = 3.0,
        key_bits: int = 3072,
        fast_keys: bool = False,
    ) -> None:
        super().__init__()
        self.parameters = LogisticParameters(sigmoid, iterations, batch_rows, float(l2), key_bits, fast_keys)
        try:
            self.clip = checked_clip(clip)
        except ValueError as error:
            raise InvalidArgument(str(error)) from None
        self._scaler = BlockScaler(np.empty(0), np.empty(0), np.empty(0), self.clip)
        self._weights: FloatArray = np.empty(0)
        self._bias = 0.0

    @property
    def coef_(self) -> FloatArray:
        """Weights of this party's own columns, per unit of the column."""
        return np.asarray(self._weights / self._scaler.deviation)

    @property
    def intercept_(self) -> float:
        """This party's part of the score of a row whose own columns are 0 (within the clip)."""
        shift = self._scaler.mean / self._scaler.deviation + self._scaler.offset
        return float(self._bias - self._weights @ shift)

    def fit(self: Self, session: Session, X: Any, y: Any = None) -> Self:
        """Train with the peer; the party that passes ``y`` is active.

        Row i must be the same customer on both sides.

        Raises
        ------
        AlignmentError    the parties' row counts differ
        LabelError, FeatureValue, SchemaError, EmptyInput    the own input is unfit; nothing has been sent
        ParameterMismatch    the parties chose other parameters
        InvalidArgument   both or neither passed labels, or there are fewer than four rows per weight
        """
        features, labels = self._read_training(X, y)
        scaler = BlockScaler.fit(features.values, self.clip)
        scaled = scaler.transform(features.values)
        transform = whitening(scaled, self.parameters.l2)
        steps = train(self.parameters, quantised(scaled @ transform), labels)
        trained = session.run(PROTOCOL, steps, self.parameters.as_json())
        disclose_fast_keys(session, self.parameters.fast_keys)
        for learner in sorted((session.party, session.peer)):
            session.disclose(f"{learner} learned the logistic weights of its own columns")
        self.role = "passive" if labels is None else "active"
        self.party = session.party
        self.model_id = trained.shared_id
        self.feature_names = features.names
        self._scaler, self._bias = scaler, trained.bias
        self._weights = transform @ trained.weights
        return self

    def decision_function(self, session: Session, X: Any = None) -> FloatArray | None:
        """Score rows with the peer: the active party gets the log-odds per row, the passive party None."""
        features = self._read_scoring(X)
        self._check_party(session.party)
        active = self.role == "active"
        if features.names:
            part = self._scaler.transform(features.values) @ self._weights + self._bias
        else:
            part = None
        steps = score(part, len(features.names), active=active)
        total = session.run(SCORE_PROTOCOL, steps, {"model_id": self.model_id})
        learner = session.party if active else session.peer
        session.disclose(f"{learner} learned the score of each row")
        if total is None or part is not None:
            return total
        return total + self._bias

    def predict_proba(self, session: Session, X: Any = None) -> FloatArray | None:
        """Return the probability of label 1 per row at the active party, None at the passive party.

        The active party learns the sum of both parts of the score, and applies the true sigmoid to it.
        """
        total = self.decision_function(session, X)
        return None if total is None else np.asarray(0.5 * (1.0 + np.tanh(0.5 * total)))

    def _body(self) -> dict[str, Any]:
        return {
            "parameters": self.parameters.as_json(),
            "scaler": self._scaler.as_json(),
            "weights": self._weights.tolist(),
            "bias": self._bias,
        }

    def _restore(self, body: Mapping[str, Any]) -> None:
        columns = len(self.feature_names)
        self.parameters = LogisticParameters(**body["parameters"])
        self._scaler = BlockScaler.from_json(body["scaler"], columns)
        self.clip = self._scaler.clip
        self._weights = finite_floats(body["weights"], columns)
        self._bias = float(finite_floats([body["bias"]])[0])
