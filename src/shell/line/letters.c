/* Letters by their names, as TeX has them. */
#define _GNU_SOURCE /* memrchr */

#include "shell/line/letters.h"

#include "shell/run/tokens.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *letter;
} letters[] = {
    {"alpha", "α"},   {"beta", "β"},    {"gamma", "γ"}, {"delta", "δ"}, {"epsilon", "ε"},
    {"zeta", "ζ"},    {"eta", "η"},     {"theta", "θ"}, {"iota", "ι"},  {"kappa", "κ"},
    {"lambda", "λ"},  {"mu", "μ"},      {"nu", "ν"},    {"xi", "ξ"},    {"pi", "π"},
    {"rho", "ρ"},     {"sigma", "σ"},   {"tau", "τ"},   {"phi", "φ"},   {"chi", "χ"},
    {"psi", "ψ"},     {"omega", "ω"},   {"Gamma", "Γ"}, {"Delta", "Δ"}, {"Theta", "Θ"},
    {"Lambda", "Λ"},  {"Pi", "Π"},      {"Sigma", "Σ"}, {"Phi", "Φ"},   {"Psi", "Ψ"},
    {"Omega", "Ω"},   {"nabla", "∇"},   {"odot", "⊙"},  {"sum", "∑"},   {"prod", "∏"},
    {"sqrt", "√"},    {"infty", "∞"},   {"times", "×"}, {"cdot", "·"},  {"pm", "±"},
    {"approx", "≈"},  {"ne", "≠"},      {"le", "≤"},    {"ge", "≥"},    {"to", "→"},
    {"partial", "∂"}, {"squared", "²"}, {"half", "½"},
};

/* The only name that begins so, or the name itself; NULL: none, or several. */
static const char *named(const char *name, size_t length)
{
    const char *found = NULL;
    int count = 0;
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (strncmp(letters[i].name, name, length) != 0) continue;
        if (letters[i].name[length] == '\0') return letters[i].letter;
        found = letters[i].letter;
        count++;
    }
    return count == 1 ? found : NULL;
}

/* Does the text end in a string or comment? The scanner skips comments of one line. */
static bool ends_in_text(const char *text, size_t length)
{
    sh_scanner scanner = sh_scan(text, length);
    sh_token token, last = {.text = text};
    while (sh_scan_next(&scanner, &token)) last = token;
    if (last.open) return true;
    const char *behind = last.text + last.length;
    const char *line = memrchr(behind, '\n', (size_t)(text + length - behind));
    return strstr(line ? line : behind, "--") != NULL;
}

size_t sh_letter_before(const char *text, const char **letter)
{
    size_t length = strlen(text), name = length;
    while (name > 0 && ((text[name - 1] | 32) >= 'a' && (text[name - 1] | 32) <= 'z')) name--;
    if (name == 0 || name == length || text[name - 1] != '\\' || MB_CUR_MAX == 1) return 0;
    *letter = named(text + name, length - name);
    return *letter && ends_in_text(text, length) ? length - name + 1 : 0;
}
