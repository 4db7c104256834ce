import pytest
from sklearn.pipeline import make_pipeline

from skcaptcha.denoise import PolarityNormalizer
from skcaptcha.read import ConvolutionalReader, Evaluate, SequenceReader
from skcaptcha.read._limit_training import limit_training


@pytest.mark.parametrize(("budget", "expected"), [(None, 20), (30, 20), (10, 10)])
def test_networks_get_no_more_time_than_they_have(budget, expected):
    model = make_pipeline(PolarityNormalizer(), ConvolutionalReader(budget=budget))
    assert limit_training(model, 20)
    assert model[-1].budget == expected
    model = make_pipeline(PolarityNormalizer(), Evaluate(ConvolutionalReader(budget=budget)))
    assert limit_training(model, 20)
    assert model[-1].reader.budget == expected


def test_other_readers_stay_as_they_are():
    model = make_pipeline(PolarityNormalizer(), SequenceReader())
    before = repr(model)
    assert not limit_training(model, 20)
    assert repr(model) == before
