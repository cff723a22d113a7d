import pytest
import torch

from fiberscope.models.flow import Flow


def stirred(size):
    """A flow that is not the identity any more."""
    torch.manual_seed(size)
    flow = Flow(size).double()
    for layer in flow.layers:
        torch.nn.init.normal_(layer[-1].weight, std=0.3)
    return flow


def rows(size, count=5):
    return torch.randn(count, size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [2, 5, 24])
def test_the_inverse_undoes_the_flow_and_the_flow_the_inverse(size):
    flow = stirred(size)
    assert (flow(rows(size)) - rows(size)).abs().max() > 0.1
    torch.testing.assert_close(flow.inverse(flow(rows(size))).rows, rows(size))
    torch.testing.assert_close(flow(flow.inverse(rows(size)).rows), rows(size))


@pytest.mark.parametrize("size", [2, 5, 24])
def test_the_volume_is_the_determinant_of_the_derivative_of_the_inverse(size):
    flow = stirred(size)
    for row in rows(size, 3):
        derivative = torch.autograd.functional.jacobian(lambda r: flow.inverse(r[None]).rows[0], row)
        torch.testing.assert_close(flow.inverse(row[None]).log_volume[0], torch.linalg.slogdet(derivative).logabsdet)


def test_a_fresh_flow_is_the_identity():
    flow = Flow(6).double()
    torch.testing.assert_close(flow(rows(6)), rows(6))
    assert flow.inverse(rows(6)).log_volume.abs().max() == 0


def test_every_number_depends_on_every_other():
    derivative = torch.autograd.functional.jacobian(lambda r: stirred(6)(r[None])[0], rows(6)[0])
    assert (derivative.abs() > 1e-6).all()


def test_no_layer_stretches_more_than_its_bound():
    flow = Flow(2).double()
    for layer in flow.layers:
        torch.nn.init.constant_(layer[-1].bias, 1e6)
    # as many layers move each of the two numbers
    assert flow.inverse(rows(2)).log_volume.abs().max() <= 2.0 * len(flow.layers) + 1e-9
