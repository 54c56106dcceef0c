import assert from 'node:assert/strict';
import { chiSquareDensities } from '../../src/detectors/chi-square';
import { type Combiner, combine, log, raw } from '../../src/detectors/combine';
import type { FittedDetector } from '../../src/detectors/detector';
import { isolationForest } from '../../src/detectors/isolation-forest';
import { kernelDensity } from '../../src/detectors/kernel-density';
import { standardiseBy } from '../../src/detectors/matrix';
import { sum } from '../../src/detectors/naive-sum';
import { nearestNeighbours } from '../../src/detectors/nearest-neighbours';
import { oneClassSvm } from '../../src/detectors/one-class-svm';
import { fisherP, harmonicMeanP, sumOfP } from '../../src/detectors/p-values';
import { principalComponents } from '../../src/detectors/principal-components';
import { ledoitWolf, shrunkGaussian } from '../../src/detectors/shrunk-gaussian';
import { fitStudentT } from '../../src/detectors/student-t';
import { sliceRows } from '../../src/detectors/table';
import { auroc } from '../../src/evaluation/metrics';
import golden from '../golden/detector.json';
import reference from '../golden/detectors-scikit-learn.json';
import { tableOf } from './tables';

/*
 * `test/golden/detectors-scikit-learn.json` was made by this program (scikit-learn 1.9.1, scipy
 * 1.17.1, numpy 2.4.6), run in the root of the checkout:
 *
 *     import json
 *     import numpy as np
 *     from scipy import stats
 *     from scipy.special import logsumexp
 *     from sklearn.covariance import LedoitWolf
 *     from sklearn.decomposition import PCA
 *     from sklearn.ensemble import IsolationForest
 *     from sklearn.metrics import roc_auc_score
 *     from sklearn.neighbors import NearestNeighbors
 *     from sklearn.preprocessing import StandardScaler
 *     from sklearn.svm import OneClassSVM
 *
 *     golden = json.load(open('test/golden/detector.json'))
 *     keep = [j for j in range(12) if j != 5]  # column 5 is constant
 *     fit = np.array(golden['fit'])[:, keep]
 *     given = np.array(golden['id'] + golden['ood'])[:, keep]
 *     label = [0] * len(golden['id']) + [1] * len(golden['ood'])
 *     mu, sd = np.log(fit).mean(0), np.log(fit).std(0, ddof=1)
 *     zf, z = (np.log(fit) - mu) / sd, (np.log(given) - mu) / sd
 *     logp = np.log(2) + stats.norm.logsf(abs(z))
 *     sizes = 10 * np.arange(1, 13)[keep]  # made: layer j has 10 (j + 1) parameters
 *
 *     def chi_square(k):
 *         u = given * k / fit.mean(0)
 *         return -(stats.chi2.logpdf(u, k) + np.log(u)).sum(1)
 *
 *     def svm(nu):
 *         scaler = StandardScaler().fit(fit)
 *         model = OneClassSVM(nu=nu, gamma='scale', tol=1e-9).fit(scaler.transform(fit))
 *         return -model.decision_function(scaler.transform(given))
 *
 *     def neighbours(k):
 *         return NearestNeighbors(n_neighbors=k).fit(zf).kneighbors(z)[0][:, k - 1]
 *
 *     def pca(count, rows):
 *         model = PCA(count, whiten=True, svd_solver='full').fit(zf_of(rows))
 *         return 0.5 * (model.transform(z_of(rows)) ** 2).sum(1)
 *
 *     # Correlated layers, for the covariances: every feature times the first.
 *     def zf_of(rows):
 *         part = np.log(fit * fit[:, :1])[:rows]
 *         return (part - part.mean(0)) / part.std(0, ddof=1)
 *
 *     def z_of(rows):
 *         part = np.log(fit * fit[:, :1])[:rows]
 *         return (np.log(given * given[:, :1]) - part.mean(0)) / part.std(0, ddof=1)
 *
 *     def shrunk(rows):
 *         model = LedoitWolf(assume_centered=True).fit(zf_of(rows))
 *         return 0.5 * model.mahalanobis(z_of(rows)), model.shrinkage_
 *
 *     heavy = stats.t(4, loc=2, scale=0.5).ppf((np.arange(400) + 0.5) / 400)
 *     forest = IsolationForest(n_estimators=2000, max_samples=100, random_state=0).fit(zf)
 *     freedom = 2 * fit.mean(0) ** 2 / fit.var(0, ddof=1)
 *     columns = zip(np.log(fit).T, np.log(given).T)
 *     scores = {
 *         'naive sum': given.sum(1),
 *         'chi-square': chi_square(sizes),
 *         'chi-square with effective freedom': chi_square(freedom),
 *         "Fisher's method": -2 * logp.sum(1),
 *         'sum of p': -np.exp(logp).sum(1),
 *         'harmonic mean of p': logsumexp(-logp, axis=1) - np.log(len(keep)),
 *         'one-class SVM, nu 0.001': svm(0.001),
 *         'one-class SVM, nu 0.2': svm(0.2),
 *         'kernel density': -sum(stats.gaussian_kde(a).logpdf(b) for a, b in columns),
 *         'shrunk Gaussian': shrunk(100)[0],
 *         'shrunk Gaussian, 8 rows': shrunk(8)[0],
 *         '4 principal components': pca(4, 100),
 *         '4 principal components, 8 rows': pca(4, 8),
 *         '5 nearest neighbours': neighbours(5),
 *         '1 nearest neighbours': neighbours(1),
 *     }
 *     pick = list(range(0, 250, 25))
 *     reference = {
 *         'rows': pick,
 *         'scores': {
 *             name: [float(s) for s in np.asarray(score)[pick]] for name, score in scores.items()
 *         },
 *         'auroc': {name: float(roc_auc_score(label, score)) for name, score in scores.items()},
 *         'shrinkage': {'100': float(shrunk(100)[1]), '8': float(shrunk(8)[1])},
 *         'isolationForestAuroc': float(roc_auc_score(label, -forest.score_samples(z))),
 *         'isolationForestMeanScore': float(-forest.score_samples(z).mean()),
 *         'studentT': dict(zip(['nu', 'mu', 'sigma'], map(float, stats.t.fit(heavy)))),
 *         'studentTMeanLogDensity': float(stats.t.logpdf(heavy, *stats.t.fit(heavy)).mean()),
 *     }
 *     json.dump(reference, open('test/golden/detectors-scikit-learn.json', 'w'), indent=1)
 *     for key in ['auroc', 'shrinkage', 'isolationForestAuroc', 'studentT']:
 *         print(reference[key])
 */

/** Column 5 is constant; the others say sizes of 10, 20, … parameters. */
function layers(rows: number[][]) {
  const table = tableOf(rows);
  return {
    ...table,
    columns: table.columns.map((column, j) => ({ ...column, size: 10 * (j + 1) })),
  };
}
/** Every feature times the first: layers that share a factor. */
const correlate = (rows: number[][]) =>
  rows.map((row) => row.map((value, j) => (j === 5 ? value : value * (row[0] as number))));

const given = [...golden.id, ...golden.ood];
const ins = golden.id.length;

describe('detectors against scikit-learn and scipy', () => {
  const cases: {
    name: keyof typeof reference.scores;
    combiner: Combiner;
    scale?: typeof raw;
    correlated?: true;
    rows?: number;
    tolerance?: number;
  }[] = [
    { name: 'naive sum', combiner: sum(), scale: raw },
    { name: 'chi-square', combiner: chiSquareDensities('size') },
    { name: 'chi-square with effective freedom', combiner: chiSquareDensities('effective') },
    { name: "Fisher's method", combiner: fisherP() },
    { name: 'sum of p', combiner: sumOfP() },
    { name: 'harmonic mean of p', combiner: harmonicMeanP() },
    { name: 'one-class SVM, nu 0.001', combiner: oneClassSvm(0.001), scale: raw, tolerance: 1e-5 },
    { name: 'one-class SVM, nu 0.2', combiner: oneClassSvm(0.2), scale: raw, tolerance: 1e-5 },
    { name: 'kernel density', combiner: kernelDensity(), tolerance: 1e-4 },
    { name: 'shrunk Gaussian', combiner: shrunkGaussian(), correlated: true },
    { name: 'shrunk Gaussian, 8 rows', combiner: shrunkGaussian(), correlated: true, rows: 8 },
    { name: '4 principal components', combiner: principalComponents(4), correlated: true },
    {
      name: '4 principal components, 8 rows',
      combiner: principalComponents(4),
      correlated: true,
      rows: 8,
    },
    { name: '5 nearest neighbours', combiner: nearestNeighbours(5) },
    { name: '1 nearest neighbours', combiner: nearestNeighbours(1) },
  ];
  for (const { name, combiner, scale = log, correlated, rows = 100, tolerance = 1e-9 } of cases) {
    it(`${name} gives their scores and AUROC`, () => {
      const made = (list: number[][]) => layers(correlated ? correlate(list) : list);
      const fitted: FittedDetector = combine([scale('squared-norm')], combiner).fit(
        sliceRows(made(golden.fit), 0, rows),
      );
      const scores = fitted.score(made(given));
      reference.rows.forEach((row, k) => {
        const [score, expected] = [scores[row] as number, reference.scores[name][k] as number];
        const scaleOf = Math.max(1, Math.abs(expected));
        assert.ok(
          Math.abs(score - expected) <= tolerance * scaleOf,
          `row ${row}: ${score} instead of ${expected}`,
        );
      });
      const value = auroc(scores.subarray(0, ins), scores.subarray(ins));
      assert.ok(
        Math.abs(value - reference.auroc[name]) < Math.max(tolerance, 1e-9),
        `AUROC ${value}, ${reference.auroc[name]}`,
      );
    });
  }

  it('Ledoit–Wolf shrinks as much as theirs, with many rows and with few', () => {
    for (const rows of [100, 8] as const) {
      const { columns } = sliceRows(tableOf(correlate(golden.fit)), 0, rows);
      const kept = columns.flatMap((column, j) =>
        j === 5 ? [] : [{ ...column, values: column.values.map(Math.log) }],
      );
      const { shrinkage } = ledoitWolf(standardiseBy(kept)(kept));
      const expected = reference.shrinkage[rows];
      assert.ok(
        expected > 0.01 && expected < 0.99 && Math.abs(shrinkage - expected) < 1e-12,
        `${shrinkage} instead of ${expected}`,
      );
    }
  });

  it('the isolation forest ranks and scores as theirs, as far as two random forests agree', () => {
    // Forests of theirs with other seeds differ by 0.009 in AUROC; they approximate harmonic
    // numbers by a logarithm, which moves scores by 0.002.
    const combiner = isolationForest({ seed: 1, trees: 2000, sampleSize: 100 });
    const scores = combine([log('squared-norm')], combiner)
      .fit(tableOf(golden.fit))
      .score(tableOf(given));
    const value = auroc(scores.subarray(0, ins), scores.subarray(ins));
    assert.ok(
      Math.abs(value - reference.isolationForestAuroc) < 0.015,
      `AUROC ${value}, ${reference.isolationForestAuroc}`,
    );
    const meanScore = scores.reduce((a, b) => a + b) / scores.length;
    assert.ok(
      Math.abs(meanScore - reference.isolationForestMeanScore) < 0.005,
      `${meanScore}, ${reference.isolationForestMeanScore}`,
    );
  });

  it("Student's t is as likely as theirs, up to the grid of degrees of freedom", () => {
    // The same quantiles of a t of 4 degrees of freedom, centre 2, scale ½: q = F⁻¹(p) in closed
    // form (Shaw 2006).
    const quantile = (p: number) => {
      const a = 4 * p * (1 - p);
      return (
        Math.sign(p - 0.5) * 2 * Math.sqrt(Math.cos(Math.acos(Math.sqrt(a)) / 3) / Math.sqrt(a) - 1)
      );
    };
    const fitted = fitStudentT(
      Float64Array.from({ length: 400 }, (_, i) => 2 + 0.5 * quantile((i + 0.5) / 400)),
    );
    assert.equal(fitted.nu, 4);
    assert.ok(
      Math.abs(fitted.mu - reference.studentT.mu) < 1e-4 &&
        Math.abs(fitted.sigma - reference.studentT.sigma) < 0.005,
    );
    const loss = reference.studentTMeanLogDensity - fitted.meanLogDensity;
    assert.ok(loss > -1e-9 && loss < 1e-4, `less likely by ${loss} nats`);
  });
});
