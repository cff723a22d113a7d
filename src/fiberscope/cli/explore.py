"""`fiberscope explore`."""

from __future__ import annotations

from fiberscope.analysis.choices import ExploreChoice, NetworkChoice
from fiberscope.cli.options import Flat
from fiberscope.cli.terminal import say, stopwatch


def explore(
    *,
    choice: Flat[ExploreChoice] = ExploreChoice(),
    network: Flat[NetworkChoice] = NetworkChoice(),
) -> int:
    """See and steer a fiber live: open a page where you drag, morph and paint images whose latent does not change.

    Only this machine reaches the page, unless you name another --host; then it asks for the token. Ctrl-C ends it.
    """
    from fiberscope.explorer.guard import make_token
    from fiberscope.explorer.scene import open_scene
    from fiberscope.explorer.server import serve

    if choice.survey is not None and choice.trust:
        from fiberscope.cli.survey_words import show_trusted

        show_trusted(choice.survey, argument="survey")
    with stopwatch("open the network and the images"):
        scene = open_scene(
            network,
            images=choice.images,
            labelled=choice.labelled,
            records=choice.records,
            survey=choice.survey,
            variations=choice.variations,
            trust=choice.trust,
        )
    token = make_token(choice.host, choice.token)

    def ready(address: str) -> None:
        say(f"The explorer is at {address} (Ctrl-C ends it)")
        if not choice.no_browser:
            import threading
            import webbrowser

            # In a thread of its own: a browser of the terminal would wait for the page, and the page for it.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    serve(scene, host=choice.host, port=choice.port, token=token, on_ready=ready)
    return 0
