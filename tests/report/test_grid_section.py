import numpy as np
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.report._grid_section import candidates_table, grid_parameters


def test_parameters_are_sorted_by_effect_and_may_be_absent():
    params = [{"a": a, "b": b} for a in (2, 1) for b in ("x", "y")] + [{"a": 1}]
    scores = np.array([0.2, 0.9, 0.1, 0.9, np.nan])
    first, second = grid_parameters({"params": params, "mean_test_score": scores})
    assert (first.name, second.name) == ("b", "a")
    assert first.values == ["x", "y", "(not set)"]
    assert second.values == [1, 2]


def test_parameter_with_one_value_is_omitted():
    params = [{"a": a, "b": 0} for a in (1, 2)]
    (parameter,) = grid_parameters({"params": params, "mean_test_score": np.array([0.1, 0.2])})
    assert parameter.name == "a"


def test_estimators_of_one_class_are_distinguished():
    readers = [KNeighborsClassifier(n_neighbors=k) for k in (1, 3)]
    pipelines = [
        make_pipeline(Grayscale(), Binarizer("fixed", threshold=t), Grayscale()) for t in (90, 127)
    ]
    params = [{"reader": reader, "steps": steps} for reader in readers for steps in pipelines]
    results = {
        "params": params,
        "mean_test_score": np.array([0.5, 0.6, 0.9, 1.0]),
        "std_test_score": np.zeros(4),
        "mean_fit_time": np.zeros(4),
        "rank_test_score": np.array([4, 3, 2, 1]),
    }
    by_reader, by_steps = grid_parameters(results)
    assert (by_reader.values, by_steps.values) == (readers, pipelines)
    for parameter in (by_reader, by_steps):
        assert len(set(parameter.labels)) == 2
        assert max(map(len, parameter.labels)) <= 32
    rows = candidates_table(results, 60).rows
    assert len({tuple(row[3:]) for row in rows}) == 4
