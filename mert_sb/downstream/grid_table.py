"""Results of a grid: means and spreads over seeds, and what validation prefers.

A setting is chosen by the mean of a validation metric; test numbers are reported beside
it and never looked at.

Authors
 * The mert_sb developers 2026
"""

import math

ROW = "{:<6} {:>8} {:>5}  {:<19} {}"


def mean_and_spread(values):
    """Mean and standard deviation of a sample.

    Arguments
    ---------
    values : list of float
        One a seed.

    Returns
    -------
    dict
        ``mean``, and ``std``, which is None of one value: it is not known.

    Example
    -------
    >>> mean_and_spread([1.0, 3.0])
    {'mean': 2.0, 'std': 1.4142135623730951}
    """
    # Exact sums: the order of seeds must not decide between equal settings.
    mean, std = math.fsum(values) / len(values), None
    if len(values) > 1:
        squares = [(value - mean) * (value - mean) for value in values]
        std = math.sqrt(math.fsum(squares) / (len(values) - 1))
    return {"mean": mean, "std": std}


def summarize(setting, results):
    """A setting's numbers over seeds.

    Arguments
    ---------
    setting : mert_sb.downstream.grid.Setting
        Of which the results are.
    results : list of dict
        ``results.json`` of each seed, with ``valid`` and ``test``.

    Returns
    -------
    dict
        ``layer``, ``lr``, ``seeds`` (how many), and ``valid`` and ``test``, from a
        metric's name to its ``mean`` and ``std``.

    Example
    -------
    >>> from mert_sb.downstream.grid import Setting
    >>> result = {"valid": {"accuracy": 0.5}, "test": {"accuracy": 0.25}}
    >>> summarize(Setting(7, 0.001), [result])["test"]
    {'accuracy': {'mean': 0.25, 'std': None}}
    """
    return {
        "layer": setting.layer,
        "lr": setting.lr,
        "seeds": len(results),
        **{
            part: {
                name: mean_and_spread(
                    [result[part][name] for result in results]
                )
                for name in (results[0][part] if results else ())
            }
            for part in ("valid", "test")
        },
    }


def choose(summaries, monitor, n_seeds):
    """The setting of the best mean validation metric; of equal ones the first.

    Arguments
    ---------
    summaries : list of dict
        From ``summarize``.
    monitor : str
        The metric, more of which is better.
    n_seeds : int
        A setting that lacks one cannot be chosen: fewer seeds are luckier.

    Returns
    -------
    dict
        One of the summaries.

    Raises
    ------
    ValueError
        If no setting has all seeds and a finite mean.

    Example
    -------
    >>> from mert_sb.downstream.grid import Setting
    >>> result = {"valid": {"accuracy": 0.5}, "test": {"accuracy": 0.25}}
    >>> rows = [summarize(Setting(layer, 0.001), [result]) for layer in (3, 7)]
    >>> choose(rows, "accuracy", 1)["layer"]
    3
    """
    whole = [
        summary
        for summary in summaries
        if summary["seeds"] == n_seeds
        and math.isfinite(summary["valid"][monitor]["mean"])
    ]
    if not whole:
        raise ValueError(
            f"none of {len(summaries)} settings has results of all {n_seeds} seeds "
            f"with a finite {monitor} in validation"
        )
    return max(whole, key=lambda summary: summary["valid"][monitor]["mean"])


def csv_rows(summaries, monitor):
    """Rows of ``grid.csv``: the validation metric, and all of the test.

    Arguments
    ---------
    summaries : list of dict
        From ``summarize``; those without results are left out.
    monitor : str
        The validation metric.

    Returns
    -------
    list of dict
        By column.

    Example
    -------
    >>> from mert_sb.downstream.grid import Setting
    >>> result = {"valid": {"accuracy": 0.5}, "test": {"accuracy": 0.25}}
    >>> rows = csv_rows([summarize(Setting(7, 0.001), [result])], "accuracy")
    >>> ",".join(rows[0])
    'layer,lr,seeds,valid_accuracy_mean,valid_accuracy_std,test_accuracy_mean,test_accuracy_std'
    """
    rows = []
    for summary in summaries:
        if not summary["seeds"]:
            continue
        row = {key: summary[key] for key in ("layer", "lr", "seeds")}
        shown = {"valid": {monitor: summary["valid"][monitor]}}
        shown["test"] = summary["test"]
        for part, metrics in shown.items():
            for name, numbers in metrics.items():
                row[f"{part}_{name}_mean"] = numbers["mean"]
                row[f"{part}_{name}_std"] = numbers["std"]
        rows.append(row)
    return rows


def table(summaries, monitor, best):
    """A short table for the screen.

    Arguments
    ---------
    summaries : list of dict
        From ``summarize``; those without results are left out.
    monitor : str
        The metric to show.
    best : dict
        From ``choose``; marked.

    Returns
    -------
    str
        A line a setting.

    Example
    -------
    >>> from mert_sb.downstream.grid import Setting
    >>> result = {"valid": {"accuracy": 0.5}, "test": {"accuracy": 0.25}}
    >>> rows = [summarize(Setting(7, 0.001), [result])]
    >>> table(rows, "accuracy", rows[0]).splitlines()[1].split()
    ['7', '0.001', '1', '0.5000', '0.2500', '*']
    """
    lines = [ROW.format("layer", "lr", "seeds", f"valid {monitor}", "test")]
    for summary in summaries:
        if summary["seeds"]:
            shown = [
                _shown(summary[part].get(monitor)) for part in ("valid", "test")
            ]
            line = ROW.format(
                summary["layer"], f"{summary['lr']:g}", summary["seeds"], *shown
            )
            lines.append(f"{line} *" if summary is best else line)
    return "\n".join(lines)


def _shown(numbers):
    """Mean and spread as text."""
    if numbers is None:
        return ""
    spread = "" if numbers["std"] is None else f" +- {numbers['std']:.4f}"
    return f"{numbers['mean']:.4f}{spread}"
