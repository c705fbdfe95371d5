/* Choices that a seed repeats: VOUCH_TX_SEED, or 1. */
#ifndef TORTURE_DICE_H
#define TORTURE_DICE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A number from the environment, or this one. */
static inline uint64_t dice_setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static inline uint64_t dice_seed(void)
{
    return dice_setting("VOUCH_TX_SEED", 1);
}

/* What a test that dices says first. */
static inline void dice_print_seed(void)
{
    printf("VOUCH_TX_SEED=%llu\n", (unsigned long long)dice_seed());
}

/* A stream of its own for each thing that dices. */
static inline uint64_t dice_of(uint64_t seed, uint64_t a, uint64_t b)
{
    return seed * UINT64_C(0x9e3779b97f4a7c15) + a * UINT64_C(0xd1342543de82ef95) +
           b * UINT64_C(0xaf251af3b0f025b5) + 1;
}

/* The next 64 bits (splitmix64). */
static inline uint64_t dice_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to n - 1. */
static inline uint32_t dice_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(dice_next(state) % n);
}

#endif
