#!/bin/sh
# flags.sh: prints the compiler's and the linker's flags for the profile beside it, a line each, or nothing where it was made with
# another compiler, or is of another version, so that none of it would fit.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
if [ "$(sh "$folder/maker.sh")" = "$(cat "$folder/made-with")" ]; then
    echo "-Cprofile-use=$(ls "$folder"/*.profdata)"
    # What has changed since is compiled without it, which is nothing to be warned of each time.
    echo '-Cllvm-args=-no-pgo-warn-mismatch'
    # The system brings code into memory 64 kB at a time. What never ran stands by itself, so that it never comes with what does.
    echo '-Cllvm-args=-profile-summary-cold-count=0'
    echo '-Cllvm-args=-enable-split-machine-functions'
    echo '-Cllvm-args=-mfs-psi-cutoff=0'
    echo '-Clink-arg=-Wl,-z,keep-text-section-prefix'
else
    {
        echo 'Built without the profile in dev/profile: the operator does the same in a quarter more CPU time. The profile fits'
        sed 's/^/  /' "$folder/made-with"
        echo 'and this is'
        sh "$folder/maker.sh" | sed 's/^/  /'
        echo '`make profile` makes another.'
    } >&2
fi
