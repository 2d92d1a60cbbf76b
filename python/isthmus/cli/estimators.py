"""From a job's ``[model]`` to an estimator."""

from __future__ import annotations

import inspect

from isthmus import models
from isthmus.cli.jobs import Model
from isthmus.errors import ConfigError, InvalidArgument
from isthmus.models import VerticalModel

_CLASSES = {"logistic": "VerticalLogisticRegression", "gbdt": "VerticalGBDT"}


def make_model(spec: Model) -> VerticalModel:
    """Construct the estimator; ConfigError names an option that its class does not have, or a bad value."""
    cls: type[VerticalModel] = getattr(models, _CLASSES[spec.kind])
    known = list(inspect.signature(cls).parameters)
    for option in spec.options:
        if option not in known:
            raise ConfigError(
                f"model.options.{option} is not an option of {spec.kind}; known: {', '.join(known)}"
            )
    try:
        return cls(**spec.options)
    except InvalidArgument as error:
        raise ConfigError(f"model.options: {error.args[0]}") from None
    except (TypeError, ValueError):
        raise ConfigError(f"model.options: a value of {', '.join(spec.options)} has the wrong type") from None
