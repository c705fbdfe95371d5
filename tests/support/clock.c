/* Deadlines on the monotonic clock: see clock.h. */
#include "clock.h"

#include "base.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

enum { LOOK_AGAIN_NS = 1000000 };

int64_t ts_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t ts_now_ms(void)
{
    return ts_now_ns() / 1000000;
}

int64_t ts_deadline(int64_t ms)
{
    return ts_now_ms() + ms;
}

int64_t ts_left_ms(int64_t deadline)
{
    int64_t left = deadline - ts_now_ms();
    return left > 0 ? left : 0;
}

int ts_poll_ms(int64_t deadline)
{
    int64_t left = ts_left_ms(deadline);
    return left > INT_MAX ? INT_MAX : (int)left;
}

bool ts_passed(int64_t deadline)
{
    return ts_now_ms() >= deadline;
}

bool ts_look_again(int64_t deadline)
{
    if (ts_passed(deadline))
        return false;
    struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
    nanosleep(&pause, NULL);
    return true;
}

void ts_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (pthread_cond_init(condition, &attributes) != 0)
        ts_die("no condition variable on the monotonic clock");
    pthread_condattr_destroy(&attributes);
}

bool ts_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline)
{
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000),
                             .tv_nsec = (long)(deadline % 1000) * 1000000};
    return pthread_cond_timedwait(condition, mutex, &until) != ETIMEDOUT;
}
