"""A state is what its JSON says, and whatever else a stranger writes is refused by the name of its field."""

import base64
import copy
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.states import starting
from fiberscope.explorer import Drag, ImageRef, Morph, Paint, Release, as_json, read_state
from fiberscope.explorer.state import MOST_MOVES
from fiberscope.problem import FiberscopeError, LatentMap

own_pixels = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(
    lambda steps: base64.b64encode(bytes((steps[0] + steps[1] * place) % 256 for place in range(784))).decode()
)
images = st.fixed_dictionaries({"index": st.integers(0, 9999)}) | st.fixed_dictionaries({"pixels": own_pixels})
drags = st.fixed_dictionaries(
    {
        "kind": st.just("drag"),
        "basis": st.sampled_from(["data", "smooth", "variations", "toward", "random", "seen"]),
        "seed": st.integers(0, 2**31),
        "to": st.none() | images,
        "amounts": st.lists(st.floats(-6, 6), max_size=64),
    }
)
morphs = st.fixed_dictionaries({"kind": st.just("morph"), "to": images, "share": st.floats(0, 1)})
paints = st.dictionaries(st.integers(0, 783), st.integers(0, 255), max_size=40).map(
    lambda values: {"kind": "paint", "pixels": list(values), "values": list(values.values())}
)
releases = st.fixed_dictionaries(
    {"kind": st.just("release"), "pixels": st.lists(st.integers(0, 783), unique=True, max_size=40)}
)


@st.composite
def states(draw):
    space = draw(st.sampled_from(["pixels", "natural"]))
    moves = drags | morphs if space == "natural" else drags | morphs | paints | releases
    return {
        "v": 1,
        "image": draw(images),
        "space": space,
        "radius": draw(st.floats(0, 1)),
        "straight": draw(st.booleans()),
        "moves": draw(st.lists(moves, max_size=draw(st.sampled_from([3, 64])))),
    }


@settings(max_examples=60, deadline=None)
@given(found=states())
def test_a_state_comes_back_from_its_json_and_its_json_from_it(scene, found):
    state = read_state(json.loads(json.dumps(found)), scene)
    assert as_json(state) == found
    assert read_state(json.loads(json.dumps(as_json(state), allow_nan=False)), scene) == state


def test_the_longest_state_is_read_and_no_longer_one(scene):
    longest = starting(*[Morph(ImageRef(index=1))] * MOST_MOVES)
    assert read_state(as_json(longest), scene) == longest
    with pytest.raises(FiberscopeError, match=r"^moves: expected a list of at most 64 entries, found 65 entries"):
        read_state(as_json(replace(longest, moves=(*longest.moves, longest.moves[0]))), scene)


def test_before_is_the_state_without_its_last_move_and_brought_back():
    state = starting(Release((1,)), Release((2,)), straight=True, radius=0.5)
    assert state.before() == starting(Release((1,)), radius=0.5)


FULL = as_json(
    starting(
        Drag("toward", (1.0, 2.0), 3, ImageRef(index=5)),
        Morph(ImageRef(index=6), 0.5),
        Paint((1, 2), (0, 255)),
        Release((1,)),
    )
)
NO_NUMBER = [math.nan, math.inf, -math.inf, True, "0.5", None, [], 10**400, -(10**400)]
NO_WHOLE = [math.nan, 0.0, True, "0", None, {}, 10**400, -1]


def b64(count):
    return base64.b64encode(bytes(count)).decode()


WRONG = [
    *[(("v",), value, "state") for value in (0, 2, None, "1", [1], math.nan)],
    *[(("image",), value, "image") for value in (None, 5, "5", [], {}, True, {"pixels": 5}, {"pixels": None})],
    *[(("image",), {"pixels": text}, "image") for text in ("", "!!!!", "ab", "é" * 8, b64(783), b64(785), "A" * 10**6)],
    *[(("image", "index"), value, "index") for value in (*NO_WHOLE, 10_000)],
    *[(("space",), value, "space") for value in ("Pixels", "", None, 0, ["pixels"])],
    *[(("radius",), value, "radius") for value in (*NO_NUMBER, -0.001, 1.001)],
    *[(("straight",), value, "straight") for value in (0, 1, "true", None, [])],
    *[(("moves",), value, "moves") for value in (None, {}, "drag", 4)],
    *[(("moves", 0), value, "moves") for value in (None, [], "drag", 4)],
    *[(("moves", 0, "kind"), value, "kind") for value in ("fly", "Drag", None, [], 1)],
    *[(("moves", 0, "basis"), value, "basis") for value in ("up", "", None, 1, ["data"])],
    *[(("moves", 0, "seed"), value, "seed") for value in (*NO_WHOLE, 2**31 + 1)],
    *[(("moves", 0, "to"), value, "to") for value in (5, "5", [], {}, False)],
    *[(("moves", 0, "to", "index"), value, "index") for value in (*NO_WHOLE, 10_000)],
    *[(("moves", 0, "amounts"), value, "amounts") for value in (None, {}, "12", 1.0, [0.0] * 65)],
    *[(("moves", 0, "amounts", 1), value, "amounts") for value in (*NO_NUMBER, 6.001, -6.001)],
    *[(("moves", 1, "to"), value, "to") for value in (None, 5, {}, {"pixels": b64(1)})],
    *[(("moves", 1, "share"), value, "share") for value in (*NO_NUMBER, -0.001, 1.001)],
    *[(("moves", 2, "pixels"), value, "pixels") for value in (None, {}, "12", 1, list(range(785)))],
    *[(("moves", 2, "pixels", 1), value, "pixels") for value in (*NO_WHOLE, 784, 1)],
    *[(("moves", 2, "values"), value, "values") for value in (None, {}, "12", [0], [0, 1, 2])],
    *[(("moves", 2, "values", 0), value, "values") for value in (*NO_WHOLE, 256)],
    *[(("moves", 3, "pixels"), value, "pixels") for value in (None, {}, [7, 7], list(range(785)))],
    *[(("moves", 3, "pixels", 0), value, "pixels") for value in (*NO_WHOLE, 784)],
]


def changed(path, value):
    found = copy.deepcopy(FULL)
    *way, last = path
    inner = found
    for key in way:
        inner = inner[key]
    inner[last] = value
    return found


@pytest.mark.parametrize(
    ("path", "value", "name"), WRONG, ids=[f"{'.'.join(map(str, p))} = {str(v)[:12]}" for p, v, _ in WRONG]
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(scene, path, value, name):
    with pytest.raises(FiberscopeError, match=rf"^{name}: ") as refusal:
        read_state(changed(path, value), scene)
    assert len(str(refusal.value)) < 250


def test_true_is_no_version(scene):
    with pytest.raises(FiberscopeError, match=r"^state: version True is not 1"):
        read_state(changed(("v",), True), scene)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *[((field,), "state" if field == "v" else field) for field in FULL],
        *[(("moves", 0, field), field) for field in ("kind", "basis", "seed", "amounts")],
        *[(("moves", 1, field), field) for field in ("to", "share")],
        *[(("moves", 2, field), field) for field in ("pixels", "values")],
    ],
)
def test_a_missing_field_is_named(scene, path, name):
    found = copy.deepcopy(FULL)
    inner = found["moves"][path[1]] if len(path) == 3 else found
    del inner[path[-1]]
    with pytest.raises(FiberscopeError, match=rf"^{name}: "):
        read_state(found, scene)


@pytest.mark.parametrize("found", [None, [], "state", 1, True, math.nan])
def test_what_is_no_object_is_no_state(scene, found):
    with pytest.raises(FiberscopeError, match=r"^state: expected an object"):
        read_state(found, scene)


@pytest.mark.parametrize("move", [Paint((1,), (2,)), Release((1,))])
def test_natural_images_have_no_pixels_to_paint(scene, move):
    with pytest.raises(FiberscopeError, match=r"^moves: pixels can be painted in the space of pixels alone"):
        read_state(as_json(starting(move, space="natural")), scene)


def test_what_a_scene_lacks_is_refused(scene):
    bare = replace(scene, natural=None, scale=None)
    with pytest.raises(FiberscopeError, match=r"^space: there is no generator"):
        read_state(as_json(starting(space="natural")), bare)
    with pytest.raises(FiberscopeError, match=r"^radius: without labelled images there is no unit"):
        read_state(as_json(starting(radius=0.1)), bare)
    assert read_state(as_json(starting()), bare) == starting()


@pytest.mark.parametrize(("shape", "reach"), [((1, 8, 8), 6), ((1, 28, 28), 6), ((3, 64, 64), 24), ((3, 224, 224), 84)])
def test_images_of_more_pixels_are_further_apart_and_sliders_reach_further(scene, shape, reach):
    large = replace(scene, latent_map=LatentMap(lambda x: x.flatten(1)[:, :4], shape))
    far, too_far = (starting(Drag("seen", (amount,))) for amount in (-reach, reach + 0.01))
    assert read_state(as_json(far), large) == far
    with pytest.raises(FiberscopeError, match=rf"^amounts: expected a number from -{reach} to {reach}"):
        read_state(as_json(too_far), large)
