/* Fibers on ucontext. The struct stands at the upper end of its own stack.
 *
 * swapcontext is written out: the sanitizers' one prints that it does not do what is done here by
 * hand, namely telling them of every change of stacks. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_STACK */
#endif
#include "base/fiber.h"

#include "base/sanitized.h"

#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

#if NB_WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#define BEFORE_STACK(kept, stack) __sanitizer_start_switch_fiber(kept, (stack)->low, (stack)->size)
#define BEHIND_STACK(kept, from)  __sanitizer_finish_switch_fiber(kept, &(from)->low, &(from)->size)
#else
#define BEFORE_STACK(kept, stack) ((void)(kept), (void)(stack))
#define BEHIND_STACK(kept, from)  ((void)(kept), (void)(from))
#endif
#if NB_WITH_TSAN
#include <sanitizer/tsan_interface.h>
#define TSAN(call) call
#else
#define TSAN(call) ((void)0)
#endif

/* A stack, as the sanitizers are told of it. */
typedef struct place {
    const void *low;
    size_t size;
    void *tsan;
} place;

struct nb_fiber {
    ucontext_t inside, outside;
    place own, caller;
    void (*run)(void *arg);
    void *arg;
    bool begun, ended;
};

/* Goes to `to`, on the stack `stack`; `from` goes on here once somebody goes to it, and *left is
 * the stack that he came from. */
static void change(ucontext_t *from, const ucontext_t *to, const place *stack, bool for_good,
                   place *left)
{
    void *fake = NULL;
    volatile bool back = false;
    getcontext(from);
    if (back) {
        BEHIND_STACK(fake, left);
        return;
    }
    back = true;
    BEFORE_STACK(for_good ? NULL : &fake, stack);
    TSAN(__tsan_switch_to_fiber(stack->tsan, 0));
    setcontext(to);
}

/* makecontext passes ints. */
static void begin(unsigned high, unsigned low)
{
    nb_fiber *fiber = (nb_fiber *)(uintptr_t)((uint64_t)high << 32 | low);
    BEHIND_STACK(NULL, &fiber->caller);
    fiber->run(fiber->arg);
    fiber->ended = true;
    change(&fiber->inside, &fiber->outside, &fiber->caller, true, &fiber->caller);
}

/* Takes over the signals that are blocked now. */
static void prepare(nb_fiber *fiber)
{
    uint64_t address = (uintptr_t)fiber;
    getcontext(&fiber->inside);
    fiber->inside.uc_stack.ss_sp = (void *)(uintptr_t)fiber->own.low;
    fiber->inside.uc_stack.ss_size = fiber->own.size;
    makecontext(&fiber->inside, (void (*)(void))begin, 2, (unsigned)(address >> 32),
                (unsigned)address);
}

bool nb_fiber_enter(nb_fiber *fiber)
{
    place left;
    TSAN(fiber->caller.tsan = __tsan_get_current_fiber());
    if (!fiber->begun) prepare(fiber);
    fiber->begun = true;
    change(&fiber->outside, &fiber->inside, &fiber->own, false, &left);
    return fiber->ended;
}

void nb_fiber_leave(nb_fiber *fiber)
{
    change(&fiber->inside, &fiber->outside, &fiber->caller, false, &fiber->caller);
}

/* ---- Stacks ----------------------------------------------------------------------------------
 */

/* Address space of one. Stacks lie further apart than valgrind takes for calls on the same one. */
#define SPACE ((size_t)4 << 20)

/* Fresh memory at the upper end; what lies below stays closed. Like the workers' stacks it is not
 * of the context's allocator. */
static char *make_stack(void)
{
    char *space = mmap(NULL, SPACE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (space == MAP_FAILED) return NULL;
    char *stack = space + SPACE - NB_FIBER_STACK;
    if (mprotect(stack, NB_FIBER_STACK, PROT_READ | PROT_WRITE) == 0) return stack;
    munmap(space, SPACE);
    return NULL;
}

nb_fiber *nb_fiber_new(nb_ctx *ctx, void (*run)(void *arg), void *arg)
{
    char *stack = make_stack();
    size_t size = NB_FIBER_STACK - ((sizeof(nb_fiber) + 63) & ~(size_t)63);
    if (!stack) return nb_fail_null(ctx, NB_EMEMORY, "not enough memory for a stack");
    nb_fiber *fiber = (nb_fiber *)(void *)(stack + size);
    fiber->own = (place){.low = stack, .size = size};
    fiber->run = run;
    fiber->arg = arg;
    TSAN(fiber->own.tsan = __tsan_create_fiber(0));
    return fiber;
}

void nb_fiber_free(nb_fiber *fiber)
{
    if (!fiber) return;
    TSAN(__tsan_destroy_fiber(fiber->own.tsan));
    munmap((char *)(uintptr_t)fiber->own.low + NB_FIBER_STACK - SPACE, SPACE);
}
