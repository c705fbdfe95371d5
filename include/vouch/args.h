/* vouch/args.h: typed command arguments, checked by the compiler.
 *
 * VOUCH_ARGS(a, b, …) makes a `vouch_args` of up to 32 arguments, valid until the end of the
 * enclosing block. Accepted in C (by _Generic) and in C++ (by overloads):
 *   text          const char *, up to its first NUL
 *   bytes         vouch_bytes(pointer, size), any bytes
 *   integers      signed char … unsigned long long, written in decimal
 *   float, double the shortest text that reads back as the same double (a float is widened first:
 *                 0.1f is 0.10000000149011612); '.' in every locale
 * Refused at compile time: NULL, void *, bool, plain char, unsigned char *, long double.
 * Accepted, with a meaning that may surprise: in C 'x' is the integer 120 and `true` (a macro
 * before C23) the integer 1; in C++ NULL may be the integer 0.
 * More than 32 arguments, or a number known only at run time: vouch_batch_argv, or
 * vouch_batch_begin / _arg / _end.
 */
#ifndef VOUCH_ARGS_H
#define VOUCH_ARGS_H

#include <vouch/common.h>

/* One argument. Made by the functions below; the fields are not for callers. Text and bytes are
 * borrowed for the duration of the call that takes the argument. */
typedef struct vouch_arg {
    uint32_t kind; /* VOUCH_ARG_… */
    uint32_t reserved;
    union {
        const void *data; /* of text and bytes */
        int64_t i;        /* of VOUCH_ARG_INT */
        uint64_t u;       /* of VOUCH_ARG_UINT */
        double d;         /* of VOUCH_ARG_DOUBLE and VOUCH_ARG_FLOAT */
    } as;                 /* the value */
    size_t size;          /* bytes of data; of text it is not set */
} vouch_arg;

/* Several of them, borrowed. Made by VOUCH_ARGS. */
typedef struct vouch_args {
    const vouch_arg *v; /* n arguments */
    size_t n;           /* how many */
} vouch_args;

/* The values of vouch_arg.kind; ABI. 0 is refused wherever an argument is taken. Behind each, the
 * fields that go with it. */
#define VOUCH_ARG_BYTES  UINT32_C(1) /* data and size */
#define VOUCH_ARG_TEXT   UINT32_C(2) /* data, up to its first NUL */
#define VOUCH_ARG_INT    UINT32_C(3) /* i */
#define VOUCH_ARG_UINT   UINT32_C(4) /* u */
#define VOUCH_ARG_DOUBLE UINT32_C(5) /* d */
#define VOUCH_ARG_FLOAT  UINT32_C(6) /* d */

/* Any bytes; `data` may be NULL if `size` is 0. */
static inline vouch_arg vouch_bytes(const void *data, size_t size)
{
    vouch_arg a = {VOUCH_ARG_BYTES, 0, {NULL}, 0};
    a.as.data = data;
    a.size = size;
    return a;
}

/* Up to the first NUL; NULL is refused when the argument is added. */
static inline vouch_arg vouch_text(const char *text)
{
    vouch_arg a = {VOUCH_ARG_TEXT, 0, {NULL}, 0};
    a.as.data = text;
    return a;
}

/* In decimal. */
static inline vouch_arg vouch_int(long long value)
{
    vouch_arg a = {VOUCH_ARG_INT, 0, {NULL}, 0};
    a.as.i = value;
    return a;
}

/* In decimal. */
static inline vouch_arg vouch_uint(unsigned long long value)
{
    vouch_arg a = {VOUCH_ARG_UINT, 0, {NULL}, 0};
    a.as.u = value;
    return a;
}

/* The shortest text that reads back as the same double. */
static inline vouch_arg vouch_real(double value)
{
    vouch_arg a = {VOUCH_ARG_DOUBLE, 0, {NULL}, 0};
    a.as.d = value;
    return a;
}

/* As the double of the same value. */
static inline vouch_arg vouch_realf(float value)
{
    vouch_arg a = {VOUCH_ARG_FLOAT, 0, {NULL}, 0};
    a.as.d = (double)value;
    return a;
}

/* What already is an argument; for VOUCH_ARG. */
static inline vouch_arg vouch_same_arg(vouch_arg a)
{
    return a;
}

/* `n` arguments at `v`, borrowed. */
static inline vouch_args vouch_args_of(const vouch_arg *v, size_t n)
{
    vouch_args a;
    a.v = v;
    a.n = n;
    return a;
}

/* No arguments at all. */
#define VOUCH_NONE vouch_args_of(NULL, 0)

#ifndef __cplusplus

/* clang-format off */
/* One argument of any accepted type. In C++ there are overloads instead. */
#define VOUCH_ARG(x) _Generic((x), \
    char *: vouch_text, const char *: vouch_text, \
    signed char: vouch_int, short: vouch_int, int: vouch_int, \
    long: vouch_int, long long: vouch_int, \
    unsigned char: vouch_uint, unsigned short: vouch_uint, unsigned: vouch_uint, \
    unsigned long: vouch_uint, unsigned long long: vouch_uint, \
    float: vouch_realf, double: vouch_real, vouch_arg: vouch_same_arg)(x)

#define VOUCH_PP_CAT_(a, b) a##b
#define VOUCH_PP_CAT(a, b) VOUCH_PP_CAT_(a, b)
#define VOUCH_PP_NTH(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32, n, \
    ...) n
#define VOUCH_PP_COUNT(...) VOUCH_PP_NTH(__VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, \
    23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define VOUCH_PP_MAP_1(f, _1) f(_1)
#define VOUCH_PP_MAP_2(f, _1, _2) f(_1), f(_2)
#define VOUCH_PP_MAP_3(f, _1, _2, _3) f(_1), f(_2), f(_3)
#define VOUCH_PP_MAP_4(f, _1, _2, _3, _4) f(_1), f(_2), f(_3), f(_4)
#define VOUCH_PP_MAP_5(f, _1, _2, _3, _4, _5) f(_1), f(_2), f(_3), f(_4), f(_5)
#define VOUCH_PP_MAP_6(f, _1, _2, _3, _4, _5, _6) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6)
#define VOUCH_PP_MAP_7(f, _1, _2, _3, _4, _5, _6, _7) f(_1), f(_2), f(_3), f(_4), f(_5), \
    f(_6), f(_7)
#define VOUCH_PP_MAP_8(f, _1, _2, _3, _4, _5, _6, _7, _8) f(_1), f(_2), f(_3), f(_4), f(_5), \
    f(_6), f(_7), f(_8)
#define VOUCH_PP_MAP_9(f, _1, _2, _3, _4, _5, _6, _7, _8, _9) f(_1), f(_2), f(_3), f(_4), \
    f(_5), f(_6), f(_7), f(_8), f(_9)
#define VOUCH_PP_MAP_10(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10) f(_1), f(_2), f(_3), \
    f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10)
#define VOUCH_PP_MAP_11(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11) f(_1), f(_2), \
    f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11)
#define VOUCH_PP_MAP_12(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12) f(_1), f(_2), \
    f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12)
#define VOUCH_PP_MAP_13(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13) f(_1), \
    f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), f(_13)
#define VOUCH_PP_MAP_14(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14) \
    f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), \
    f(_13), f(_14)
#define VOUCH_PP_MAP_15(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15) \
    f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), \
    f(_13), f(_14), f(_15)
#define VOUCH_PP_MAP_16(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), \
    f(_13), f(_14), f(_15), f(_16)
#define VOUCH_PP_MAP_17(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), \
    f(_12), f(_13), f(_14), f(_15), f(_16), f(_17)
#define VOUCH_PP_MAP_18(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), \
    f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), f(_17), f(_18)
#define VOUCH_PP_MAP_19(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), \
    f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), f(_17), f(_18), f(_19)
#define VOUCH_PP_MAP_20(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), \
    f(_10), f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), f(_17), f(_18), f(_19), f(_20)
#define VOUCH_PP_MAP_21(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), \
    f(_10), f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), f(_17), f(_18), f(_19), f(_20), \
    f(_21)
#define VOUCH_PP_MAP_22(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), \
    f(_9), f(_10), f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), f(_17), f(_18), f(_19), \
    f(_20), f(_21), f(_22)
#define VOUCH_PP_MAP_23(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), \
    f(_8), f(_9), f(_10), f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), f(_17), f(_18), \
    f(_19), f(_20), f(_21), f(_22), f(_23)
#define VOUCH_PP_MAP_24(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23, _24) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), \
    f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), f(_17), f(_18), \
    f(_19), f(_20), f(_21), f(_22), f(_23), f(_24)
#define VOUCH_PP_MAP_25(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23, _24, _25) f(_1), f(_2), f(_3), f(_4), f(_5), f(_6), \
    f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), f(_17), f(_18), \
    f(_19), f(_20), f(_21), f(_22), f(_23), f(_24), f(_25)
#define VOUCH_PP_MAP_26(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23, _24, _25, _26) f(_1), f(_2), f(_3), f(_4), f(_5), \
    f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), f(_17), \
    f(_18), f(_19), f(_20), f(_21), f(_22), f(_23), f(_24), f(_25), f(_26)
#define VOUCH_PP_MAP_27(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27) f(_1), f(_2), f(_3), f(_4), \
    f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), \
    f(_17), f(_18), f(_19), f(_20), f(_21), f(_22), f(_23), f(_24), f(_25), f(_26), f(_27)
#define VOUCH_PP_MAP_28(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28) f(_1), f(_2), f(_3), f(_4), \
    f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), f(_13), f(_14), f(_15), f(_16), \
    f(_17), f(_18), f(_19), f(_20), f(_21), f(_22), f(_23), f(_24), f(_25), f(_26), f(_27), \
    f(_28)
#define VOUCH_PP_MAP_29(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29) f(_1), f(_2), f(_3), \
    f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), f(_13), f(_14), f(_15), \
    f(_16), f(_17), f(_18), f(_19), f(_20), f(_21), f(_22), f(_23), f(_24), f(_25), f(_26), \
    f(_27), f(_28), f(_29)
#define VOUCH_PP_MAP_30(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30) f(_1), f(_2), \
    f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), f(_13), f(_14), \
    f(_15), f(_16), f(_17), f(_18), f(_19), f(_20), f(_21), f(_22), f(_23), f(_24), f(_25), \
    f(_26), f(_27), f(_28), f(_29), f(_30)
#define VOUCH_PP_MAP_31(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31) f(_1), \
    f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), f(_13), \
    f(_14), f(_15), f(_16), f(_17), f(_18), f(_19), f(_20), f(_21), f(_22), f(_23), f(_24), \
    f(_25), f(_26), f(_27), f(_28), f(_29), f(_30), f(_31)
#define VOUCH_PP_MAP_32(f, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, \
    _16, _17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32) f(_1), \
    f(_2), f(_3), f(_4), f(_5), f(_6), f(_7), f(_8), f(_9), f(_10), f(_11), f(_12), f(_13), \
    f(_14), f(_15), f(_16), f(_17), f(_18), f(_19), f(_20), f(_21), f(_22), f(_23), f(_24), \
    f(_25), f(_26), f(_27), f(_28), f(_29), f(_30), f(_31), f(_32)
#define VOUCH_PP_MAP(f, ...) \
    VOUCH_PP_CAT(VOUCH_PP_MAP_, VOUCH_PP_COUNT(__VA_ARGS__))(f, __VA_ARGS__)
/* clang-format on */

/* 1 to 32 arguments of any accepted types, valid until the end of the enclosing block. */
#define VOUCH_ARGS(...)                                                                            \
    vouch_args_of((const vouch_arg[]){VOUCH_PP_MAP(VOUCH_ARG, __VA_ARGS__)},                       \
                  VOUCH_PP_COUNT(__VA_ARGS__))

#else

namespace vouch
{
namespace detail
{
inline vouch_arg arg(const char *s)
{
    return vouch_text(s);
}
inline vouch_arg arg(vouch_arg a)
{
    return a;
}
inline vouch_arg arg(signed char v)
{
    return vouch_int(v);
}
inline vouch_arg arg(short v)
{
    return vouch_int(v);
}
inline vouch_arg arg(int v)
{
    return vouch_int(v);
}
inline vouch_arg arg(long v)
{
    return vouch_int(v);
}
inline vouch_arg arg(long long v)
{
    return vouch_int(v);
}
inline vouch_arg arg(unsigned char v)
{
    return vouch_uint(v);
}
inline vouch_arg arg(unsigned short v)
{
    return vouch_uint(v);
}
inline vouch_arg arg(unsigned v)
{
    return vouch_uint(v);
}
inline vouch_arg arg(unsigned long v)
{
    return vouch_uint(v);
}
inline vouch_arg arg(unsigned long long v)
{
    return vouch_uint(v);
}
inline vouch_arg arg(float v)
{
    return vouch_realf(v);
}
inline vouch_arg arg(double v)
{
    return vouch_real(v);
}
vouch_arg arg(char) = delete;
vouch_arg arg(bool) = delete;
vouch_arg arg(long double) = delete;
vouch_arg arg(decltype(nullptr)) = delete;
vouch_arg arg(const void *) = delete;
template <size_t N> struct pack {
    vouch_arg v[N];
    operator vouch_args() const
    {
        return vouch_args_of(v, N);
    }
};
template <class... A> inline pack<sizeof...(A)> args(const A &...a)
{
    return {{arg(a)...}};
}
} // namespace detail
} // namespace vouch

/* In C++ the arguments live until the end of the full expression. */
#define VOUCH_ARGS(...) static_cast<vouch_args>(vouch::detail::args(__VA_ARGS__))

#endif
#endif
