#pragma once
// Whether the formulas of points become part of their callers. Multiplications are 4 to 16 % faster if they
// do, but on AVX2, which has half as many registers, up to a quarter slower: the field types there say no
// before they include this. Such files use the formulas on types of their own only, which no other file
// shares.

#ifndef ISTHMUS_FORMULA
#ifdef __SANITIZE_ADDRESS__
#define ISTHMUS_FORMULA inline  // g++ needs many minutes to watch everything in one function
#else
#define ISTHMUS_FORMULA inline __attribute__((always_inline))
#endif
#endif
