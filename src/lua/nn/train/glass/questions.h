/* Questions to a run under glass, as methods of its trainer. */
#ifndef NBL_QUESTIONS_H
#define NBL_QUESTIONS_H

#include "lua/nn/train/glass/trainer.h"

/* Into the methods of trainers on the stack's top. */
void nbl_open_questions(lua_State *L);
/* Before the trainer at 1 goes anywhere: what stopped it last is forgotten. */
void nbl_questions_begin(lua_State *L);
/* Takes the condition at 2, for which the run to come waits; the trainer alone stays. */
void nbl_questions_wait(lua_State *L);
/* Pushes what there is to tell of the questions to the trainer at 1, lines, or "". */
void nbl_questions_text(lua_State *L);
/* Says them to whoever shows progress, where something has stopped t:run(); t:run_until gives the
 * trainer, which says it itself. */
void nbl_questions_say(lua_State *L, const nbl_trainer *self);
/* Pushes what stopped it, a table that prints itself, or nil. */
int nbl_questions_stopped(lua_State *L);
/* For stdlib: (net, tensor). */
int nbl_place(lua_State *L);
/* For stdlib: (trainer). The set that it learns from. */
int nbl_learned_set(lua_State *L);
/* For stdlib: (trainer). What of its questions can be drawn. */
int nbl_panels(lua_State *L);

#endif
