# The samples, which check themselves.

run_demo() {
    dotnet build src/PosixShm.Cli --configuration Release
    echo "== demo: one array in separate processes (samples/walk)"
    samples/walk/run.sh
    echo
    echo "== demo: the same in one process (samples/walk-in-one-process)"
    dotnet run -c Release --file samples/walk-in-one-process/walk.cs
}

run_samples() {
    local sample
    for sample in child-works-on-it two-views read-only private-copies anonymous growing pool frames raw-object partners; do
        echo "== sample: $sample"
        dotnet run -c Release --file "samples/$sample/$sample.cs"
    done
    echo "== sample: clean-up"
    samples/clean-up/clean-up.sh
}
