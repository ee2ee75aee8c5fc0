/* A family: a constant table of pointers to descriptors that have a `name`. Its list of names
 * stands in a .def file. The header expands it to the enum, and one source file opens like this:
 *
 *     #define X(name) extern const nb_cost nb_cost_##name;
 *     #include "nn/costs.def"
 *     #undef X
 *
 *     const nb_cost *const nb_costs[NB_COSTS] = {
 *     #define X(name) &nb_cost_##name,
 *     #include "nn/costs.def"
 *     #undef X
 *     };
 *
 *     NB_DEFINE_FAMILY(nb_cost, nb_cost, nb_costs, NB_COSTS)
 *
 * A descriptor stands beside its functions, in that file or any other:
 *
 *     NB_DESCRIPTOR(nb_cost, nb_cost_mse) = {.name = "mse", …}; */
#ifndef NB_FAMILY_H
#define NB_FAMILY_H

#include <stddef.h>
#include <string.h>

/* The head of a descriptor, which no header declares. */
#define NB_DESCRIPTOR(type, symbol)                                                                \
    extern const type symbol;                                                                      \
    const type symbol

/* const type *stem_find(name): the descriptor of that name, or NULL. */
#define NB_DEFINE_FIND(type, stem, table, count)                                                   \
    const type *stem##_find(const char *name)                                                      \
    {                                                                                              \
        for (size_t i = 0; i < (count); i++)                                                       \
            if (strcmp((table)[i]->name, name) == 0) return (table)[i];                            \
        return NULL;                                                                               \
    }

/* Beside it const char *stem_name_at(list, i): the i-th name, NULL after the last; for nb_nearest.
 */
#define NB_DEFINE_FAMILY(type, stem, table, count)                                                 \
    NB_DEFINE_FIND(type, stem, table, count)                                                       \
                                                                                                   \
    const char *stem##_name_at(const void *list, size_t i)                                         \
    {                                                                                              \
        (void)list;                                                                                \
        return i < (count) ? (table)[i]->name : NULL;                                              \
    }

/* The family as values of options: `stem_family`, from the two functions above. Its descriptors
 * have `options`. */
#define NB_DEFINE_CHOICES(T, stem, word)                                                           \
    NB_DEFINE_WIDE_CHOICES(T, stem, word, sizeof(nb_chosen))

/* The same of values of so many bytes, which begin as nb_chosen does; at most an nb_wide. */
#define NB_DEFINE_WIDE_CHOICES(T, stem, word, bytes)                                               \
    static const void *stem##_find_any(const char *name)                                           \
    {                                                                                              \
        return stem##_find(name);                                                                  \
    }                                                                                              \
    static const char *stem##_name_of(const void *type)                                            \
    {                                                                                              \
        return ((const T *)type)->name;                                                            \
    }                                                                                              \
    static const nb_option *stem##_options_of(const void *type)                                    \
    {                                                                                              \
        return ((const T *)type)->options;                                                         \
    }                                                                                              \
    const nb_family stem##_family = {.noun = word,                                                 \
                                     .size = bytes,                                                \
                                     .find = stem##_find_any,                                      \
                                     .name_at = stem##_name_at,                                    \
                                     .name = stem##_name_of,                                       \
                                     .options = stem##_options_of};

#endif
