"""benchmarks/gpu.md from what was measured."""

from __future__ import annotations

from typing import Any


def page(report: dict[str, Any]) -> str:
    """Markdown."""
    rates = report["rates"]
    lines = [
        "# LeGrad on a GPU",
        "",
        f"{report['device']}, {report['dtype']}, torch {report['torch']}, Triton {report['triton']}, "
        f"commit {report['commit']}: `{report['command']}`, {report['seconds']:.0f} s.",
        "",
        f"Measured ceilings: {rates['operations'] / 1e12:.0f} TFLOP/s in a large matrix product, "
        f"{rates['bytes'] / 1e12:.2f} TB/s in a copy (read and written). Weights, pictures and prompts are random.",
        "",
        "## Pictures per second",
        "",
        "All layers. The floor is the operations of `benchmarks/on_gpu/floor.py` at the measured ceiling; memory is "
        "the peak above the models and the inputs. 0 prompts: the plain forward pass.",
        "",
        "| model | batch | prompts | pictures/s | seconds | times the floor | memory, GB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    done = [cell for cell in report["cells"] if "seconds" in cell]
    for cell in sorted(done, key=lambda cell: (report["models"].index(cell["model"]), cell["batch"], cell["prompts"])):
        lines.append(
            f"| {cell['model']} | {cell['batch']} | {cell['prompts']:,} | {cell['pictures_per_second']:,.2f} | "
            f"{cell['seconds']:.4f} | {cell['seconds'] / cell['floor_seconds']:.1f} | "
            f"{_gigabytes(cell['peak_bytes_above_models'])} |"
        )
    skipped = [cell for cell in report["cells"] if "skipped" in cell]
    if skipped:
        lines += ["", "Not measured:", ""]
        lines += [
            f"- {cell['model']}, batch {cell['batch']}, {cell['prompts']:,} prompts: {cell['skipped']}"
            for cell in skipped
        ]
    return "\n".join([*lines, *_reductions(report["reductions"]), *_peer(report["peer"], done)]) + "\n"


def _reductions(cells: list[dict[str, Any]]) -> list[str]:
    lines = [
        "",
        "## Kernels",
        "",
        "One layer's reduction. The floor is the larger of its operations and its bytes at the measured ceilings; the "
        "difference is the largest between kernel and tiles, in parts of the largest value.",
        "",
        "| model | reduction | dtype | batch | targets | kernel, ms | tiles, ms | floor, ms | bound by "
        "| times the floor | difference |",
        "|---|---|---|---:|---:|---:|---:|---:|---|---:|---:|",
    ]
    for cell in cells:
        by_operations, by_bytes = cell["floor_by_operations"], cell["floor_by_bytes"]
        floor = max(by_operations, by_bytes)
        lines.append(
            f"| {cell['model']} | {cell['reduction']} | {cell['dtype']} | {cell['batch']} | {cell['targets']} | "
            f"{1e3 * cell['seconds']:.3f}{'' if cell['kernel'] else ' (tiles)'} | {1e3 * cell['tiles_seconds']:.3f} | "
            f"{1e3 * floor:.3f} | {'operations' if by_operations >= by_bytes else 'bytes'} | "
            f"{cell['seconds'] / floor:.1f} | {cell['largest_difference']:.1e} |"
        )
    return lines


def _peer(cells: list[dict[str, Any]], ours: list[dict[str, Any]]) -> list[str]:
    lines = ["", "## Against legrad_torch", ""]
    if not cells:
        return [*lines, "Not run: no `--peer` folder was named."]
    times = {(cell["model"], cell["prompts"]): cell["seconds"] for cell in ours if cell["batch"] == 1}
    lines += [
        "One picture, all layers.",
        "",
        "| model | prompts | legrad_torch, s | whylight, s | ratio | memory of legrad_torch, GB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    failed = []
    for cell in cells:
        if "seconds" not in cell:
            failed.append(cell)
            continue
        took = times.get((cell["model"], cell["prompts"]))
        lines.append(
            f"| {cell['model']} | {cell['prompts']} | {cell['seconds']:.4f} | {_or_dash(took, '.4f')} | "
            f"{_or_dash(None if took is None else cell['seconds'] / took, '.1f')} | "
            f"{_gigabytes(cell['peak_bytes_above_models'])} |"
        )
    where = (", ".join(str(cell[key]) for key in ("model", "prompts") if key in cell) for cell in failed)
    return [*lines, "", *(f"- {at or 'stopped'}: {cell['skipped']}" for at, cell in zip(where, failed, strict=True))]


def _gigabytes(count: int | None) -> str:
    return "-" if count is None else f"{count / 1e9:.2f}"


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
