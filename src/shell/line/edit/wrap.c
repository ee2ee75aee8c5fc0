/* Commands of ours in the place of Readline's. */
#include "shell/line/edit/wrap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LISTS_MOST = 8, DEPTH_MOST = 16 };

static struct {
    const sh_wrapped *list[LISTS_MOST];
    size_t lists;
    rl_command_func_t *posed; /* what the last one of ours passes for */
} wrap;

void sh_wrap_add(const sh_wrapped *commands)
{
    if (wrap.lists < LISTS_MOST) wrap.list[wrap.lists++] = commands;
}

static rl_command_func_t *ours_for(rl_command_func_t *theirs)
{
    for (size_t i = 0; i < wrap.lists; i++)
        for (const sh_wrapped *w = wrap.list[i]; w->ours; w++)
            if (w->theirs == theirs) return w->ours;
    return NULL;
}

static bool is_ours(rl_command_func_t *command)
{
    for (size_t i = 0; i < wrap.lists; i++)
        for (const sh_wrapped *w = wrap.list[i]; w->ours; w++)
            if (w->ours == command) return true;
    return false;
}

/* Keys may lead into maps of further keys; a map that leads into itself has no end. */
static void bind_map(Keymap map, int depth)
{
    for (int key = 0; key < KEYMAP_SIZE; key++) {
        if (map[key].type == ISKMAP && map[key].function && depth < DEPTH_MOST) {
            bind_map((Keymap)(uintptr_t)map[key].function, depth + 1);
        } else if (map[key].type == ISFUNC && map[key].function) {
            rl_command_func_t *ours = ours_for(map[key].function);
            if (ours) map[key].function = ours;
        }
    }
}

void sh_wrap_bind(void)
{
    Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) sh_wrap_bind_in(maps[i]);
}

void sh_wrap_bind_in(Keymap map)
{
    bind_map(map, 0);
}

rl_command_func_t *sh_wrap_last(void)
{
    return is_ours(rl_last_func) ? wrap.posed : rl_last_func;
}

int sh_wrap_call(rl_command_func_t *theirs, int count, int key)
{
    rl_last_func = sh_wrap_last();
    int status = theirs(count, key);
    wrap.posed = theirs;
    return status;
}

void sh_wrap_pose(rl_command_func_t *theirs)
{
    wrap.posed = theirs;
}
