#!/bin/sh
# Every example as two processes run it: each ends well, whatever files it writes and reads on its
# way. Skipped where there is no MPI module.
# (the program is $NABLA, else ./nabla; the launcher $MPIRUN, else mpirun)
set -u

. "$(dirname "$0")/launch.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
mnist=${NABLA_MNIST:-$root/../shared/data/mnist}

# What makes an example shorter; those of MNIST need its files.
for example in "$root"/examples/*.lua "$root"/examples/notes/*.lua; do
    name=${example#"$root/examples/"}
    case $name in
        mnist.lua) set -- "$mnist" 1 ;;
        mnist_cnn.lua) set -- "$mnist" 1 1000 ;;
        book.lua) set -- "$mnist" 1 1 300 ;;
        autoencoder.lua) set -- 3 ;;
        char_*.lua | sequence.lua | regression.lua) set -- 200 ;;
        spirals.lua) set -- 40 ;;
        *) set -- ;;
    esac
    [ "${1:-}" != "$mnist" ] || [ -d "$mnist" ] || continue
    told "$mpirun" -n 2 "$nabla" "$example" "$@"
    holds "examples/$name on 2" ends 0
    holds "and leaves nothing" test ! -e resume-example.safetensors
done

finish
