# lacks.sh, sourced: `lacks TOOL` names what is missing, below the line that `headline` is; `missing` says whether
# anything was.
missing=0
lacks() {
    [ "$missing" -ne 0 ] || echo "$headline" >&2
    missing=1
    echo "  $1" >&2
}

has() { command -v "$1" >/dev/null 2>&1; }
