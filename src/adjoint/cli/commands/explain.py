"""The command `adjoint explain`: the gradient of the demo's network, derived."""

from __future__ import annotations

from pathlib import Path

import click

from ...explanation.derivation.explain import explain as derive
from ...explanation.drawing.draw import draw
from ...files.rescue import check_folder_place
from ...files.whole_file import write_whole
from .. import demo as demonstration
from ..options import check_out


@click.command(
    short_help="Derive the gradient of the demo's network, with its numbers.",
    context_settings={"show_default": True},
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("explained"),
    help="Folder for the files.",
)
@click.option("--batch-size", type=click.IntRange(1, 100), default=5, help="Points in the batch.")
@click.option("--entry", default="layers[0].weight[1, 0]", help="The weight to follow to the loss.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, help="Seed of the points and the weights."
)
def explain(out: Path, batch_size: int, entry: str, seed: int) -> int:
    """Write how the gradient of the demo's network comes about on one batch.

    derivation.html is a page with every step, its rule and its numbers; derivation.py does the
    same steps in NumPy, and fails if one of the printed numbers is wrong; graph.svg is a picture of
    the graph, with what each edge adds to a gradient.
    """
    check_out(check_folder_place, out)
    settings = demonstration.DemoSettings(samples=batch_size, batch_size=batch_size, seed=seed)
    experiment = demonstration.prepare(settings)
    try:
        derivation = derive(
            experiment.model, experiment.X, experiment.y, loss="cross_entropy", entry=entry
        )
    except (ValueError, IndexError) as error:
        told = str(error).removeprefix("explain: ")
        raise click.UsageError(f"--entry: {told}") from None
    picture = draw(experiment.model, experiment.X, experiment.y, loss="cross_entropy")
    texts = {
        "derivation.html": derivation.html(),
        "derivation.py": derivation.script(),
        "graph.svg": picture.svg(),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = out / name
        write_whole(path, text.encode())
        click.echo(f"wrote {click.format_filename(path)}")
    return 0
