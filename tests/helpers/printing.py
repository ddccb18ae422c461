"""Notebooks, run as a person would run them."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def printed_by(name, folder):
    """What the cells of a notebook print when it is run in ``folder``."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    client.execute()
    return "".join(
        output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stdout"
    )
