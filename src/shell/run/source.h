/* The text behind running code: inputs at the prompt are kept for a while, files and the embedded
 * library are read when they are asked for. */
#ifndef SH_SOURCE_H
#define SH_SOURCE_H

#include <lua.h>
#include <stdbool.h>

/* Inputs are chunks of these names; the number counts from 1. */
#define SH_INPUT_CHUNK "=prompt[%d]"
#define SH_INPUT_NAME  "prompt["
/* Code of the prompt that is no input of its own. */
#define SH_OTHER_CHUNK "=prompt[0]"

/* Inputs kept; older ones show no source line. */
enum { SH_INPUTS_KEPT = 1000 };

/* Keeps the text of input `number`. May raise. */
void sh_source_keep(lua_State *L, int number, const char *text);
/* Pushes lines first … last of the chunk with this source, as lua_Debug has it, without the last
 * newline. False, nothing pushed: they are not to be had. May raise. */
bool sh_source_lines(lua_State *L, const char *source, int first, int last);

#endif
