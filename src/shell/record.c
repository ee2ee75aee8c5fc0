/* The inputs of a session as a script. Each becomes Lua that does without the prompt: its values
 * are printed, its locals are the globals that the prompt made of them. */
#include "shell/record.h"

#include "base/text.h"
#include "io/sink.h"
#include "shell/run/compile.h"
#include "shell/run/eval.h"
#include "shell/run/locals.h"
#include "shell/run/source.h"
#include "shell/run/tokens.h"
#include "shell/screen/say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sh_record {
    char *source;
    sh_record_kind kind;
};

void sh_record_add(sh_shell *shell, const char *source, sh_record_kind kind)
{
    size_t room = (shell->records + 1) * sizeof *shell->record;
    struct sh_record *wider = realloc(shell->record, room);
    char *copy = strdup(source);
    if (wider) shell->record = wider;
    if (!wider || !copy) {
        free(copy);
        sh_complain(shell, "not enough memory to keep this input for .save");
        return;
    }
    shell->record[shell->records++] = (struct sh_record){copy, kind};
}

void sh_record_clear(sh_shell *shell)
{
    for (size_t i = 0; i < shell->records; i++) free(shell->record[i].source);
    free(shell->record);
    shell->record = NULL;
    shell->records = 0;
}

/* ---- The script ---- */

/* What the script says where the prompt keeps its results: lines before the first input. */
static const char results_kept[] = "-- What the prompt did with every value.\n"
                                   "local function keep(...)\n"
                                   "    if (...) ~= nil then _4, _3, _2, _ = _3, _2, _, (...) end\n"
                                   "    return ...\n"
                                   "end\n\n";

static bool reads_results(const char *source)
{
    sh_scanner scanner = sh_scan(source, strlen(source));
    sh_token token;
    char name[8];
    while (sh_scan_next(&scanner, &token)) {
        if (token.kind != SH_NAME || token.length >= sizeof name) continue;
        memcpy(name, token.text, token.length);
        name[token.length] = '\0';
        if (sh_is_result(name)) return true;
    }
    return false;
}

/* The bytes of an expression without a `;` or a comment behind it. */
static size_t bare_length(const char *source)
{
    sh_scanner scanner = sh_scan(source, strlen(source));
    sh_token token;
    size_t length = 0;
    while (sh_scan_next(&scanner, &token))
        if (!sh_token_is(&token, ";")) length = (size_t)(token.text + token.length - source);
    return length;
}

/* An expression as a statement. The word `return` that the user may have typed goes. */
static void add_expression(nb_text *out, const char *source, bool keeps)
{
    static const char word[] = "return";
    bool silent = sh_ends_silent(source);
    source += strspn(source, " \t\n");
    if (strncmp(source, word, sizeof word - 1) == 0 && strspn(source + sizeof word - 1, " \t\n("))
        source += sizeof word - 1 + strspn(source + sizeof word - 1, " \t\n");
    nb_text_add(out, "%s", silent ? (keeps ? "keep(" : "_ = ") : keeps ? "print(keep(" : "print(");
    nb_text_add_bytes(out, source, bare_length(source));
    nb_text_add(out, "%s\n", silent ? (keeps ? ")" : "") : keeps ? "))" : ")");
}

static void add_comment(nb_text *out, const char *source)
{
    nb_text_add(out, "-- failed: ");
    for (; *source; source++)
        if (*source == '\n')
            nb_text_add(out, "\n--         ");
        else
            nb_text_add_bytes(out, source, 1);
    nb_text_add(out, "\n");
}

/* One input; whether it shows a value is found out as the prompt does, by compiling it. */
static void add_input(lua_State *L, nb_text *out, const struct sh_record *record, bool keeps)
{
    nb_text plain, name;
    size_t shown = 0;
    if (record->kind == SH_RECORD_FAILED) {
        add_comment(out, record->source);
        return;
    }
    if (record->kind == SH_RECORD_PLAIN) {
        nb_text_add(out, "%s\n", record->source);
        return;
    }
    nb_text_init(&plain, out->ctx);
    nb_text_init(&name, out->ctx);
    sh_keep_locals(&plain, record->source, &name);
    const char *source = nb_text_get(&plain);
    if (sh_compile(L, source, SH_OTHER_CHUNK, &shown) != SH_WHOLE) shown = strlen(source);
    const char *first = source + strspn(source, " ");
    if (first < source + shown) {
        nb_text_add_bytes(out, first, (size_t)(source + shown - first));
        if (source[shown - 1] != '\n') nb_text_add(out, "\n");
    }
    if (source[shown]) add_expression(out, source + shown, keeps);
    out->failed |= plain.failed || name.failed;
    nb_text_free(&plain);
    nb_text_free(&name);
}

typedef struct saving {
    const sh_shell *shell;
    nb_text *out;
} saving;

static int write_script(lua_State *L)
{
    const saving *s = sh_work(L);
    bool keeps = false;
    for (size_t i = 0; i < s->shell->records; i++) {
        const struct sh_record *record = &s->shell->record[i];
        keeps |= record->kind != SH_RECORD_FAILED && reads_results(record->source);
    }
    nb_text_add(s->out, "#!/usr/bin/env nabla\n\n%s", keeps ? results_kept : "");
    for (size_t i = 0; i < s->shell->records; i++) {
        add_input(L, s->out, &s->shell->record[i], keeps);
        lua_settop(L, 1);
    }
    return 0;
}

static void write_file(sh_shell *shell, const char *path, const nb_text *script)
{
    nb_sink *sink = script->failed ? NULL : nb_sink_open(shell->ctx, path);
    if (sink) nb_sink_write(sink, nb_text_get(script), script->length);
    if (!sink || nb_sink_close(sink) != NB_OK)
        sh_complain(shell, shell->ctx->message);
    else
        sh_remark(shell, "%zu input%s in %s", shell->records, shell->records == 1 ? "" : "s", path);
}

void sh_record_save(sh_shell *shell, const char *path, bool replace)
{
    nb_text script;
    saving s = {shell, &script};
    if (!replace && access(path, F_OK) == 0) {
        sh_complain(shell, "this file is there already; .save -f replaces it");
        return;
    }
    nb_text_init(&script, shell->ctx);
    if (sh_protect(shell, write_script, &s, 0) == SH_OK) write_file(shell, path, &script);
    nb_text_free(&script);
}
