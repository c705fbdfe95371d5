/* Consumers that are put back to what looks simpler: naive_worker.c is a program with a library of its own, built for
 * this alone. */
#ifndef LIVE_NAIVE_H
#define LIVE_NAIVE_H

/* In the environment of a worker: which of these it is, as a number. */
#define NAIVE_VARIABLE "VOUCH_NAIVE"

enum naive {
    NAIVE_COUNT, /* whoever has as many pending as he commits is believed, and the state is not asked */
    NAIVE_COUNT_ASK, /* he is believed, but the state is asked */
    NAIVE_BELIEF,    /* it is not; and a consumer says what it holds, whatever it did not hear */
    NAIVES
};

#endif
