/* What data sets and networks say of their examples' meaning (nn/data/schema.h): fields of both. */
#ifndef NBL_SCHEMA_H
#define NBL_SCHEMA_H

#include "lua/nbl.h"
#include "nn/data/schema.h"

/* The fields' names, behind each other in initialisers of lists. */
#define NBL_SCHEMA_FIELDS "classes", "columns", "targets", "words", "scale"

/* Pushes the class `number` (from 1) by its name: an integer where all names are integers; the
 * number itself where `classes` is NULL, or ends before it: a network may have more outputs than
 * classes that nobody named. */
void nbl_push_class(lua_State *L, const nb_classes *classes, int64_t number);
/* The name of a class on the stack's top, as nbl_push_class gives it, becomes its number; false: no
 * class is called so, and it stays. */
bool nbl_number_of_class(lua_State *L, const nb_classes *classes);
/* Pushes the schema's field of that name, nil where nothing is known of it; false, and nothing is
 * pushed, where it is none of these fields. */
bool nbl_push_schema_field(lua_State *L, const nb_schema *schema, const char *field);
/* The scale at `arg`, a table as the field `scale` gives it, of numbers, lists or tensors; a new
 * reference in *scale, NULL for nil. Raises for what is none. */
void nbl_read_scale(lua_State *L, int arg, nb_scale **scale);

#endif
