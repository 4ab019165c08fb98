"""Reports of runs: from a result and its record to one HTML file that needs no network and no file beside it.

In: the runs of `results.json` and the records beside it, or a demo's own record. Out: a page for each run, and `index.html`.
"""
