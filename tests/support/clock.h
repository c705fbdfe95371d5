#ifndef TS_CLOCK_H
#define TS_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Deadlines: points on CLOCK_MONOTONIC, in milliseconds. A wait of the test support takes one and
 * answers false when it passed, so that nothing hangs; no test waits for time to pass. */

int64_t ts_now_ms(void);
int64_t ts_now_ns(void);
/* The moment `ms` milliseconds from now. */
int64_t ts_deadline(int64_t ms);
/* Milliseconds left, never below 0; and the same for poll(), rounded so that it never spins. */
int64_t ts_left_ms(int64_t deadline);
int ts_poll_ms(int64_t deadline);
bool ts_passed(int64_t deadline);

/* Between two looks at something that cannot be waited for, such as a server's readiness:
 * rests a moment; false once the deadline has passed. */
bool ts_look_again(int64_t deadline);

/* A condition that waits on the monotonic clock, and one wait: false once the deadline passed. */
void ts_condition_init(pthread_cond_t *condition);
bool ts_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline);

#endif
