#ifndef TS_HEAP_H
#define TS_HEAP_H

/* An allocation of the library that fails on command. A program that uses it is told to the build by
 * vouch_failing_heap(), which has the linker put this door in the place of base/alloc.h's (--wrap). May
 * be used while other threads allocate; only one thread commands. */

/* Counts allocations from 0 on: number n fails, and `more` after it. */
void heap_fail(unsigned long n, unsigned long more);
/* From here on none fails. How many were asked for since heap_fail. */
unsigned long heap_recover(void);

/* Blocks that were allocated and not released since heap_forget. */
long heap_live(void);
void heap_forget(void);

#endif
