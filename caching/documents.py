"""What the cache knows, as JSON says it."""

from dataclasses import asdict
from typing import Any

from caching.gate_rules import GateState
from caching.selectors_gates import Change, GateRecord, GateReport


def of_gate(gate: GateRecord) -> dict[str, Any]:
    standing, proof = gate.standing, gate.standing.proof
    return {
        "id": str(gate.id),
        "namespace": gate.key.namespace.name,
        "task_type": gate.key.task_type,
        "space": gate.key.space,
        "likeness_version": gate.key.likeness_version,
        "state": GateState.OFF.value if gate.is_retired else standing.state.value,
        "is_retired": gate.is_retired,
        "threshold": None if gate.is_retired else standing.threshold,
        "tolerance": standing.tolerance,
        "checked": proof.checked,
        "wrong": proof.wrong,
        "upper_bound": round(proof.upper_bound, 6),
        "needed": proof.needed,
        "complaints": len(gate.complaint_scores),
        "sample_rate": round(standing.sample_rate, 6),
        "reason": standing.reason,
        "since": standing.since.isoformat(),
        "off_until": standing.off_until.isoformat() if standing.off_until else None,
        "calibrated_at": gate.calibrated_at.isoformat() if gate.calibrated_at else None,
        "history": [_of_change(change) for change in gate.history],
    }


def of_gate_report(report: GateReport) -> dict[str, Any]:
    return {
        **of_gate(report.record),
        "scores": [asdict(bucket) for bucket in report.scores],
        "similarities": [asdict(bucket) for bucket in report.similarities],
        "outlooks": [{name: round(value, 6) for name, value in asdict(outlook).items()} for outlook in report.outlooks],
    }


def _of_change(change: Change) -> dict[str, Any]:
    return {**asdict(change), "at": change.at.isoformat(), "upper_bound": round(change.upper_bound, 6)}
