"""`fiberscope faces`."""

from __future__ import annotations

from pathlib import Path

from fiberscope.cli.terminal import command_line, say, show_done, watch


def faces(  # noqa: PLR0913  (all but the folder are options)
    *,
    out: Path,
    quick: bool = False,
    people: int | None = None,
    pairs: int | None = None,
    rows: int | None = None,
    members: int | None = None,
    steps: int | None = None,
    components: bool | None = None,
    with_length: bool = False,
    seed: int = 0,
    force: bool = False,
) -> int:
    """Show what a face embedding ignores: light, pose and more, over the 40 people of the ORL faces, as one page.

    It needs what `fiberscope data fetch faces` and `fiberscope models fetch face-embedding` get. All people take more
    than an hour on two free cores; the same command goes on where it was stopped, in mid-question too.

    Parameters
    ----------
    out
        Folder for the page, its pictures, tables and arrays; it is made if it is not there.
    quick
        Eight people, few pairs and rows: some minutes.
    people
        How many people are asked about, drawn with the seed; all pictures of all people are compared with.
    pairs
        How many pairs of people are brought to one embedding.
    rows
        How many rows of one embedding are made.
    members
        How many faces a row has, at most 8.
    steps
        Steps of descent that bring the pairs nearer; 0 leaves the projection. Components take six in any case.
    components
        Move faces in their principal components, too, for rows and pairs: that takes longest. By default all runs do
        but quick ones.
    with_length
        Hold the length of the embedding too. A cosine compares directions alone, so by default these are the latents.
    seed
        Seed of the choice of people and of everything random.
    force
        Replace the result that an earlier run wrote into the folder; other files in it stay.
    """
    from fiberscope.analysis.faces import FacesChoice, run_faces
    from fiberscope.analysis.faces.run import QUICK, WHOLE

    given = {"people": people, "pairs": pairs, "rows": rows, "members": members, "steps": steps}
    usual = QUICK if quick else WHOLE
    numbers = {name: usual[name] if value is None else value for name, value in given.items()}
    components = not quick if components is None else components
    choice = FacesChoice(out=out, components=components, cosine=not with_length, seed=seed, force=force, **numbers)
    with watch() as (step, tell):
        found = run_faces(choice, command=command_line(), step=step, tell=tell)
    say(f"Faces: {found.credit}")
    return show_done(found.done)
