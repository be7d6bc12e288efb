"""The benchmark of tests/bench/run: processes, servers, jobs, report, plots."""
