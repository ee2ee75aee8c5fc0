#!/bin/sh
# Runs every example as a person would: each must end well, which for the notes means that what
# they claim is so. MNIST's needs its files, in $NABLA_MNIST or ../shared/data/mnist beside the
# source tree.
# (the program is $NABLA, else ./nabla)
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
nabla=${NABLA:-./nabla}
mnist=${NABLA_MNIST:-$root/../shared/data/mnist}
passed=0
failed=0

# Nobody's own settings: no init file, no history, no Lua path.
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4 NABLA_PATH
HOME=$scratch XDG_CACHE_HOME=$scratch XDG_CONFIG_HOME=$scratch XDG_STATE_HOME=$scratch
export HOME XDG_CACHE_HOME XDG_CONFIG_HOME XDG_STATE_HOME

# count NAME COMMAND...: the command passes when it ends with 0.
count() {
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name failed; it printed:" >&2
        sed 's/^/    /' "$scratch/out" >&2
    fi
}

# ends STATUS ARGUMENT...: the program, told so, ends with this status.
ends() {
    wanted=$1
    shift
    "$nabla" "$@" >"$scratch/out" 2>&1 </dev/null
    [ $? -eq "$wanted" ]
}

# The last run printed this.
shows() {
    grep -qF -e "$1" "$scratch/out"
}

digits() {
    ends 0 "$root/examples/digits.lua" && shows 'but it is a'
}

# At the prompt behind it, as a pipe sees it, the network and the digits are there.
digits_leave_globals() {
    echo 'print(#digits.train, #digits.test, net:count())' |
        "$nabla" -i "$root/examples/digits.lua" >"$scratch/out" 2>&1 &&
        grep -q '1437.360.2260' "$scratch/out"
}

mnist_says_usage() {
    ends 2 "$root/examples/mnist.lua" && shows 'usage: nabla examples/mnist.lua DIR'
}

mnist_learns() {
    ends 0 "$root/examples/mnist.lua" "$mnist" 1 && shows 'epoch  1 · cost'
}

mnist_cnn_says_usage() {
    ends 2 "$root/examples/mnist_cnn.lua" && shows 'usage: nabla examples/mnist_cnn.lua DIR'
}

# A tenth of the examples, one epoch: nine digits of ten.
mnist_cnn_learns() {
    ends 0 "$root/examples/mnist_cnn.lua" "$mnist" 1 5000 &&
        grep -q 'test accuracy 9[0-9]' "$scratch/out"
}

# A few epochs leave less than half of what the mean picture misses.
autoencoder() {
    ends 0 "$root/examples/autoencoder.lua" 12 &&
        grep -q 'leave [1-4]\{0,1\}[0-9] %' "$scratch/out" && shows 'what comes out'
}

residual() {
    ends 0 "$root/examples/residual.lua" && shows '2 ×' &&
        grep -q 'which alone learned: 9[0-9]' "$scratch/out" &&
        grep -Eq '^ +8 .* 9[0-9]\.[0-9] %$' "$scratch/out"
}

custom_layer() {
    ends 0 "$root/examples/custom_layer.lua" && shows 'BP4 ok' &&
        grep -Eq '^ +radial .* (9[5-9]|100)\.[0-9] %$' "$scratch/out"
}

sequence() {
    ends 0 "$root/examples/sequence.lua" 200 &&
        grep -Eq '^(19[0-9]|200) of 200 .* that must agree is remembered' "$scratch/out" &&
        shows 'reading B'
}

early_stopping() {
    ends 0 "$root/examples/early_stopping.lua" && shows 'parameters of epoch'
}

resume() {
    ends 0 "$root/examples/resume.lua" && shows 'that of the undisturbed run'
}

sweep() {
    ends 0 "$root/examples/sweep.lua" && shows '24 runs: lr 4 x hidden 2 x seed 3' &&
        shows '8 rows · means over seed' && shows 'chosen: 30 hidden neurons'
}

# The broken example is found, and the same bits come again.
under_glass() {
    ends 0 "$root/examples/under_glass.lua" && shows 'without example 700 it would not hold' &&
        shows 'in step 34 alone' && shows 'the same bits'
}

ranks() {
    ends 0 "$root/examples/ranks.lua" && shows '1 process, parameters 0x' &&
        shows 'the first process: 9'
}

# From fewer rows, and from a text that somebody brings.
char_rnn() {
    ends 0 "$root/examples/char_rnn.lua" 1500 && shows 'sums are right' &&
        ends 0 "$root/examples/char_rnn.lua" "$root/README.md" 2000 && shows 'the same seed writes this'
}

# From the prompt, where its network stays.
char_transformer() {
    echo "arg = {[1] = '1500'} dofile '$root/examples/char_transformer.lua' print(#generate('Ben', 9))" |
        "$nabla" >"$scratch/out" 2>&1 && grep -q '^12$' "$scratch/out" && shows 'sums are right'
}

table() {
    ends 0 "$root/examples/table.lua" && shows 'iris: 150 examples' && shows ' right of 30' &&
        printf 'a,b,kind\n1,2,x\n3,4,y\n5,6,x\n,8,y\n' >"$scratch/table.csv" &&
        ends 0 "$root/examples/table.lua" "$scratch/table.csv" kind && shows '3 examples'
}

tensors() {
    ends 0 "$root/examples/tensors.lua" && shows '10 of 64 directions hold 74 %'
}

fit() {
    ends 0 "$root/examples/fit.lua" && shows '0.067359200066' && shows 'do not determine w[1][1][1]'
}

# Ten folds, of which every one is tested; the mean is above nine of ten. A
# file of the same gives the same.
iris() {
    ends 0 "$root/examples/iris.lua" && shows 'fold 10: trained on 135' &&
        grep -q 'accuracy 9[0-9]\.[0-9] ± ' "$scratch/out" && cp "$scratch/out" "$scratch/iris" &&
        ends 0 -e "data.iris():save '$scratch/iris.csv'" &&
        ends 0 "$root/examples/iris.lua" "$scratch/iris.csv" && cmp -s "$scratch/out" "$scratch/iris"
}

regression() {
    ends 0 "$root/examples/regression.lua" 200 && shows 'off the true curve'
}

# Nobody looks: a few frames stand one below the other, and no key of a terminal is among them.
spirals() {
    ends 0 "$root/examples/spirals.lua" 40 && [ "$(grep -c '^epoch' "$scratch/out")" -ge 4 ] &&
        shows 'epoch 40 ·' && shows 'of the examples lie on their side' &&
        ! grep -q "$(printf '\033')" "$scratch/out"
}

book_says_usage() {
    ends 2 "$root/examples/book.lua" && shows 'usage: nabla examples/book.lua DIR' &&
        ends 2 "$root/examples/book.lua" "$scratch" 1 && shows 'train-images-idx3-ubyte'
}

# One epoch of a few hundred examples of every run: each has its line in the table.
book() {
    ends 0 "$root/examples/book.lua" "$mnist" "$1" 1 "$2" &&
        [ "$(grep -c "^$1\.[0-9]  *[0-9.]* %" "$scratch/out")" -eq "$3" ]
}

count digits.lua digits
count fit.lua fit
count iris.lua iris
count regression.lua regression
count residual.lua residual
count autoencoder.lua autoencoder
count custom_layer.lua custom_layer
count sequence.lua sequence
count early_stopping.lua early_stopping
count resume.lua resume
count sweep.lua sweep
count under_glass.lua under_glass
count ranks.lua ranks
count char_rnn.lua char_rnn
count char_transformer.lua char_transformer
count tales.lua ends 0 "$root/examples/tales.lua"
count table.lua table
count tensors.lua tensors
count spirals.lua spirals
count 'digits.lua with -i' digits_leave_globals
count 'mnist.lua without a folder' mnist_says_usage
count 'mnist_cnn.lua without a folder' mnist_cnn_says_usage
count 'book.lua without a folder' book_says_usage
if [ -d "$mnist" ]; then
    count mnist.lua mnist_learns
    count mnist_cnn.lua mnist_cnn_learns
    count 'book.lua, chapter 1' book 1 300 4
    count 'book.lua, chapter 3' book 3 300 9
    count 'book.lua, chapter 5' book 5 300 4
    count 'book.lua, chapter 6' book 6 40 7
else
    echo "mnist.lua was not run: no folder $mnist"
fi
for note in "$root"/examples/notes/*.lua; do
    count "notes/$(basename "$note")" ends 0 "$note"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
