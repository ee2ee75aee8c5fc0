#!/bin/sh
# All specs with a full collection at every entry into the core and with fresh and freed memory
# filled: catches what is used after nothing keeps it, and what is read before it was written.
set -u

NABLA_STRESS=1
export NABLA_STRESS

# The switch itself: garbage is gone after one op, and what tensor.empty shows is the pattern.
"${NABLA:-./nabla}" -e '
    local weak = setmetatable({{}}, {__mode = "v"})
    tensor.ones(3):add(1)
    assert(weak[1] == nil, "garbage is still there after an op")' || exit 1
exec "$(dirname "$0")/run.sh" "$@"
