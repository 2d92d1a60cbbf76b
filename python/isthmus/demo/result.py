"""What a demo run found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isthmus.data import Dataset
from isthmus.evaluate import BinaryReport, Entry, Fact, Learned, StageRow, write_html

#: How far the federated AUC may lie from the pooled model's.
TOLERANCE = 0.003


@dataclass(frozen=True)
class ModelResult:
    """One model family: what the label holder gets alone, federated, and if all columns were pooled.

    ``alone`` and ``pooled`` are trained in the clear, for comparison only.
    """

    title: str
    alone: BinaryReport
    federated: BinaryReport
    pooled: BinaryReport

    @property
    def holds(self) -> bool:
        """Whether federation costs no more than the tolerance and gains over standing alone."""
        return abs(self.federated.auc - self.pooled.auc) <= TOLERANCE and self.federated.auc > self.alone.auc

    @property
    def verdict(self) -> str:
        """The same, in words."""
        gap, gain = abs(self.federated.auc - self.pooled.auc), self.federated.auc - self.alone.auc
        within = "within" if gap <= TOLERANCE else "NOT within"
        chance = (
            "."
            if gap <= TOLERANCE
            else f". With {self.pooled.rows:,} held-out customers chance alone moves an AUC by about "
            f"{self.pooled.auc_standard_error:.3f}; more rows tell more."
        )
        above = f"{gain:.4f} above" if gain > 0 else f"NOT above ({gain:.4f})"
        return (
            f"{self.title}: federated AUC {self.federated.auc:.4f}, {gap:.4f} from pooled ({within} "
            f"{TOLERANCE}) and {above} the label holder alone{chance}"
        )


@dataclass(frozen=True)
class DemoResult:
    """Everything a demo run prints and reports."""

    dataset: Dataset
    key_bits: int
    fast_keys: bool
    shared_customers: int
    training_customers: int
    held_out_customers: int
    seconds: float
    models: tuple[ModelResult, ...]
    stages: tuple[StageRow, ...]
    learned: tuple[Learned, ...]

    @property
    def entries(self) -> list[Entry]:
        """Every report, in the order of the table."""
        return [
            Entry(model.title, kind, report)
            for model in self.models
            for kind, report in (
                ("alone", model.alone),
                ("federated", model.federated),
                ("pooled", model.pooled),
            )
        ]

    def to_html(self, path: str | Path) -> Path:
        """Write the self-contained HTML report."""
        sent = sum(stage.bytes_sent + stage.bytes_received for stage in self.stages)
        facts = [
            Fact("customers aligned", f"{self.shared_customers:,}"),
            Fact("trained on", f"{self.training_customers:,}"),
            Fact("held out", f"{self.held_out_customers:,}"),
            Fact("Paillier key", f"{self.key_bits} bits" + (", fast" if self.fast_keys else "")),
            Fact("elapsed", f"{self.seconds:.1f} s"),
            Fact("crossed the wire", f"{sent / 1e6:,.1f} MB"),
        ]
        subtitle = (
            "A bank and a fund hold different columns about overlapping customers. They aligned them, "
            "trained models across both tables and scored held-out customers without showing each other a "
            "row. "
            f"The question: who {self.dataset.outcome}?"
        )
        data = self.dataset
        return write_html(
            path,
            self.entries,
            title=f"{data.title}, across two parties",
            subtitle=subtitle,
            facts=facts,
            stages=self.stages,
            learned=self.learned,
            verdicts=[model.verdict for model in self.models],
            citation=f"Data: {data.citation} https://doi.org/{data.doi}. {data.licence}.",
        )
