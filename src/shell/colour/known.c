/* One walk over the parts keeps the locals that reach where it is; what is assigned is looked at
 * when all was seen. */
#include "shell/colour/known.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What the names to come are. */
typedef enum listed { NOT_LISTED, LOCALS, LOOP, FUNCTION } listed;

typedef struct walk {
    sh_names *names;
    sh_parts *parts;
    int *slot; /* a table of names by their hash, of `slots`, a power of two; -1: free */
    size_t slots;
    int *local; /* the names of the locals that reach where the walk is, in their order */
    int locals;
    listed list;
    bool begun;     /* a list of names that will be assigned */
    bool is_local;  /* the function's name is */
    bool is_method; /* … and has a colon */
    int parameters; /* the bracket around them, -1: none yet */
} walk;

/* ---- Names ---- */

static uint32_t hash_of(const sh_token *token)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < token->length; i++)
        hash = (hash ^ (unsigned char)token->text[i]) * 16777619u;
    return hash;
}

/* The number of a name; each has one. */
static int name_of(walk *w, const sh_token *token)
{
    size_t at = hash_of(token) & (w->slots - 1);
    for (; w->slot[at] >= 0; at = (at + 1) & (w->slots - 1)) {
        const sh_name *name = &w->names->name[w->slot[at]];
        if (name->length == token->length && !memcmp(name->text, token->text, token->length))
            return w->slot[at];
    }
    w->names->name[w->names->count] = (sh_name){.text = token->text, .length = token->length};
    return w->slot[at] = w->names->count++;
}

static void declare(walk *w, const sh_token *token)
{
    int name = name_of(w, token);
    w->names->name[name].live++;
    w->local[w->locals++] = name;
}

/* The block that opens at a part ends: so do its locals. */
static void forget(walk *w, const sh_part *opening)
{
    while (w->locals > opening->locals) w->names->name[w->local[--w->locals]].live--;
}

static void assign(walk *w, const sh_token *token)
{
    int name = name_of(w, token);
    if (w->names->name[name].live == 0) w->names->name[name].assigned = true;
}

/* ---- Names in their places ---- */

static bool is_in(const walk *w, const sh_part *part, const char *opening)
{
    return part->around >= 0 && sh_token_is(&w->parts->part[part->around].token, opening);
}

/* Behind a point or colon, a label, or the key of a table. */
static bool is_field(const walk *w, int i)
{
    const sh_part *before = sh_part_before(w->parts, i), *next = sh_part_next(w->parts, i);
    if (sh_part_is(before, ".") || sh_part_is(before, ":")) return true;
    if (sh_part_is(before, "goto")) return true;
    if (sh_part_is(before, "::") && sh_part_is(next, "::")) return true;
    bool first = sh_part_is(before, "{") || sh_part_is(before, ",") || sh_part_is(before, ";");
    return first && sh_part_is(next, "=") && is_in(w, &w->parts->part[i], "{");
}

/* The names before a `=` of a statement: a, b = 1, 2. */
static void assign_before(walk *w, int equals)
{
    const sh_part *part = sh_part_before(w->parts, equals);
    while (part && part->token.kind == SH_NAME) {
        int i = (int)(part - w->parts->part);
        const sh_part *before = sh_part_before(w->parts, i);
        if (!is_field(w, i)) assign(w, &part->token);
        if (!sh_part_is(before, ",")) return;
        part = sh_part_before(w->parts, (int)(before - w->parts->part));
    }
}

/* A statement that begins with names and commas can only become such a list. */
static void begin_list(walk *w, int sign)
{
    const sh_part *part = sh_part_before(w->parts, sign);
    bool name = sh_part_is(&w->parts->part[sign], ",") && part && part->token.kind == SH_NAME;
    w->begun = name && (w->begun || sh_part_begins(w->parts, (int)(part - w->parts->part)));
    if (w->begun) assign(w, &part->token);
}

/* A name of a function's declaration: a.b.c:d are fields but for a. */
static void name_function(walk *w, int i)
{
    const sh_part *next = sh_part_next(w->parts, i);
    const sh_token *token = &w->parts->part[i].token;
    bool has_fields = sh_part_is(next, ".") || sh_part_is(next, ":");
    if (w->is_local) {
        sh_part *opening = &w->parts->part[sh_part_before(w->parts, i) - w->parts->part];
        declare(w, token);
        opening->locals = w->locals; /* it outlives the function's end */
    } else if (!has_fields) {
        assign(w, token);
    }
    if (has_fields) w->names->of[i] = name_of(w, token);
}

/* A list of locals ends with the first name that no comma stands before. */
static bool goes_on_list(const walk *w, int i)
{
    const sh_part *before = sh_part_before(w->parts, i);
    return w->list == FUNCTION || sh_part_is(before, "local") || sh_part_is(before, "for") ||
           sh_part_is(before, ",");
}

static void see_name(walk *w, int i)
{
    const sh_part *part = &w->parts->part[i];
    bool is_attribute = w->list == LOCALS && sh_part_is(sh_part_before(w->parts, i), "<");
    if (is_attribute || is_field(w, i)) return;
    if (!goes_on_list(w, i)) w->list = NOT_LISTED;
    if (w->list == LOCALS || w->list == LOOP ||
        (w->parameters >= 0 && part->around == w->parameters)) {
        declare(w, &part->token);
    } else if (w->list == FUNCTION) {
        name_function(w, i);
    } else {
        int name = name_of(w, &part->token);
        if (w->names->name[name].live == 0) w->names->of[i] = name;
    }
}

/* ---- The walk ---- */

static void open_parameters(walk *w, int i)
{
    static const sh_token self = {.kind = SH_NAME, .text = "self", .length = 4};
    w->parameters = i;
    w->list = NOT_LISTED;
    if (w->is_method) declare(w, &self);
}

/* What is no name, in a list of names or behind it. */
static void see_sign(walk *w, int i)
{
    const sh_part *part = &w->parts->part[i];
    bool goes_on = part->token.kind == SH_SYMBOL && memchr(",<>.:", *part->token.text, 5);
    bool local = sh_part_is(sh_part_before(w->parts, i), "local");
    if (w->list == FUNCTION && sh_part_is(part, ":")) w->is_method = true;
    if (w->list == FUNCTION && sh_part_is(part, "(")) open_parameters(w, i);
    if (!goes_on) w->list = NOT_LISTED;
    if (sh_part_is(part, "local")) w->list = LOCALS;
    if (sh_part_is(part, "for")) w->list = LOOP;
    if (!sh_part_is(part, "function")) return;
    w->list = FUNCTION;
    w->is_local = local;
    w->is_method = false;
}

static void see(walk *w, int i)
{
    sh_part *part = &w->parts->part[i];
    sh_part *opening = part->around >= 0 ? &w->parts->part[part->around] : NULL;
    bool in_bracket = opening && opening->token.kind == SH_SYMBOL;
    if (part->token.kind == SH_NAME) {
        see_name(w, i);
        return;
    }
    see_sign(w, i);
    if (sh_part_is(part, "=") && !in_bracket) assign_before(w, i);
    if (w->list == NOT_LISTED && !in_bracket) begin_list(w, i);
    part->locals = w->locals;
    if (sh_part_is(part, "else") || sh_part_is(part, "elseif")) {
        if (opening) forget(w, opening);
    } else if (sh_part_is(part, "end") && part->other >= 0) {
        forget(w, &w->parts->part[part->other]);
    }
    if (sh_part_is(part, ")") && part->other == w->parameters) w->parameters = -1;
}

static bool make_room(walk *w)
{
    size_t named = 1;
    for (int i = 0; i < w->parts->count; i++) named += w->parts->part[i].token.kind == SH_NAME;
    for (w->slots = 4; w->slots < 2 * named;) w->slots *= 2;
    size_t most = (size_t)w->parts->count + 1; /* each method has a self too */
    w->names->name = malloc((named + 1) * sizeof *w->names->name);
    w->names->of = malloc(((size_t)w->parts->count + 1) * sizeof *w->names->of);
    w->slot = malloc(w->slots * sizeof *w->slot);
    w->local = malloc(most * sizeof *w->local);
    if (!w->names->name || !w->names->of || !w->slot || !w->local) return false;
    for (size_t i = 0; i < w->slots; i++) w->slot[i] = -1;
    for (int i = 0; i < w->parts->count; i++) w->names->of[i] = -1;
    return true;
}

bool sh_names_read(sh_names *names, sh_parts *parts)
{
    *names = (sh_names){.name = NULL};
    walk w = {.names = names, .parts = parts, .parameters = -1};
    bool fine = make_room(&w);
    for (int i = 0; fine && i < parts->count; i++)
        if (parts->part[i].token.kind != SH_COMMENT) see(&w, i);
    free(w.slot);
    free(w.local);
    if (!fine) sh_names_free(names);
    return fine;
}

void sh_names_free(sh_names *names)
{
    free(names->name);
    free(names->of);
    *names = (sh_names){.name = NULL};
}
