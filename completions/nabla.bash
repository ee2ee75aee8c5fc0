# bash completion for nabla(1)

_nabla() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i
    local options='-e --execute -l --library -i --interactive -E --no-environment -W --warnings
        --seed --threads -v --version -h --help -- -'
    COMPREPLY=()
    case $before in
        -e | --execute | -l | --library | --seed) return ;;
        --threads)
            mapfile -t COMPREPLY < <(compgen -W "1 2 4 8 16" -- "$word")
            return
            ;;
    esac
    # Behind the script come its own arguments, which are files as far as anyone knows.
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -e | --execute | -l | --library | --seed | --threads) ((i++)) ;;
            -?*) ;;
            *)
                mapfile -t COMPREPLY < <(compgen -f -- "$word")
                return
                ;;
        esac
    done
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -X '!*.lua' -- "$word"; compgen -d -S / -- "$word")
    fi
}

complete -o filenames -o nosort -F _nabla nabla
