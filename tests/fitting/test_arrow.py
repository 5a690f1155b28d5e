"""Equations in the shape of an arrow against the same equations written out and solved whole."""

import numpy as np

from mrs_pipeline.fitting.arrow import Blocks, solved


def test_solution_and_covariances_are_those_of_the_whole_matrix() -> None:
    rng = np.random.default_rng(1)
    n, a, b = 5, 3, 4
    local_columns, shared_columns, data = (rng.standard_normal(shape) for shape in ((n, 30, a), (n, 30, b), (n, 30)))
    penalty = np.diag([0.0, 1.0, 2.0, 0.5])
    pieces = [
        Blocks(
            local=local_columns[part].mT @ local_columns[part],
            cross=local_columns[part].mT @ shared_columns[part],
            local_right=np.einsum("npl,np->nl", local_columns[part], data[part]),
            shared=np.einsum("nps,npt->st", shared_columns[part], shared_columns[part]),
            shared_right=np.einsum("nps,np->s", shared_columns[part], data[part]),
        )
        for part in (slice(0, 2), slice(2, 5))
    ]
    found = solved(pieces, penalty=penalty, penalty_right=np.zeros(b))

    design = np.zeros((n * 30, n * a + b))
    for index in range(n):
        design[30 * index : 30 * (index + 1), a * index : a * (index + 1)] = local_columns[index]
        design[30 * index : 30 * (index + 1), n * a :] = shared_columns[index]
    matrix = design.T @ design
    matrix[n * a :, n * a :] += penalty
    covariance = np.linalg.inv(matrix)
    expected = covariance @ design.T @ data.ravel()
    np.testing.assert_allclose(found.local.ravel(), expected[: n * a], rtol=1e-8)
    np.testing.assert_allclose(found.shared, expected[n * a :], rtol=1e-8)
    np.testing.assert_allclose(found.shared_covariance, covariance[n * a :, n * a :], rtol=1e-8)
    np.testing.assert_allclose(found.local_covariance(1, 3), covariance[a : 2 * a, 3 * a : 4 * a], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(found.local_covariance(2, 2), covariance[2 * a : 3 * a, 2 * a : 3 * a], rtol=1e-8)
    np.testing.assert_allclose(found.local_variances.ravel(), np.diag(covariance)[: n * a], rtol=1e-8)
