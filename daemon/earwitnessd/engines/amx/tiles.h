/* What the kernels share: float32 numbers as sums of bfloat16 ones, and tiles of them.

   A number's parts are bfloat16 numbers, each of which holds what those before it leave of it: two are right to
   16 bits, three to 24. A product of numbers is the sum of the products of their parts, but for the smallest
   ones: one product of single parts, three of two parts, six of three.

   Parts lie in planes of rows: 32 columns of all rows, then the next 32, then the next part. A tile of inputs is
   sixteen rows of 64 bytes. Behind the last row as much may be read as a block of rows reaches. */

#ifndef EARWITNESS_TILES_H
#define EARWITNESS_TILES_H

#include <immintrin.h>
#include <stdint.h>

typedef uint16_t bf16;

enum { TILE = 16, BLOCK = 32, SQUARE = TILE * TILE, SUMS = BLOCK * BLOCK, PACKED = TILE * BLOCK };
enum { LINEAR, GELU };

#define ALWAYS static inline __attribute__((always_inline))

struct __attribute__((aligned(64))) palette {
  uint8_t number, start, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
};

/* All eight tiles: sixteen rows of 64 bytes. */
ALWAYS void begin_tiles(void) {
  struct palette palette = {.number = 1};
  for (int tile = 0; tile < 8; tile++) palette.bytes[tile] = 64, palette.rows[tile] = TILE;
  _tile_loadconfig(&palette);
}

ALWAYS void begin_sums(void) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

/* 32 rows by 32 columns, a quarter after the other. */
ALWAYS void load_sums(const float *sums) {
  _tile_loadd(0, sums, 64);
  _tile_loadd(1, sums + SQUARE, 64);
  _tile_loadd(2, sums + 2 * SQUARE, 64);
  _tile_loadd(3, sums + 3 * SQUARE, 64);
}

ALWAYS void store_sums(float *sums) {
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + SQUARE, 64);
  _tile_stored(2, sums + 2 * SQUARE, 64);
  _tile_stored(3, sums + 3 * SQUARE, 64);
}

/* Where row `row` of stored sums begins; its second half is a quarter further on. */
ALWAYS const float *row_of(const float *sums, int64_t row) { return sums + row / TILE * 2 * SQUARE + row % TILE * TILE; }

ALWAYS void load_rows(const bf16 *rows, int64_t row_stride) {
  _tile_loadd(4, rows, row_stride * 2);
  _tile_loadd(5, rows + TILE * row_stride, row_stride * 2);
}

ALWAYS void load_weights(const bf16 *weights) {
  _tile_loadd(6, weights, 64);
  _tile_loadd(7, weights + PACKED, 64);
}

ALWAYS void add_products(void) {
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(1, 4, 7);
  _tile_dpbf16ps(3, 5, 7);
}

/* Adds the product of 32 rows by 32 columns and a block of weights, whose parts follow one another. */
ALWAYS void multiply(const bf16 *rows, int64_t row_stride, int64_t part_stride, const bf16 *weights, int parts) {
  load_rows(rows, row_stride);
  for (int part = parts - 1; part >= 0; part--) {
    load_weights(weights + part * 2 * PACKED);
    add_products();
  }
  if (parts == 3) {
    load_rows(rows + 2 * part_stride, row_stride);
    add_products();
    load_rows(rows + part_stride, row_stride);
    add_products();
    load_weights(weights + 2 * PACKED);
    add_products();
  }
  if (parts == 2) {
    load_rows(rows + part_stride, row_stride);
    add_products();
  }
}

ALWAYS __m512 widened(__m256i halves) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

/* 32 numbers into as many planes as they have parts. */
ALWAYS void split(__m512 first, __m512 second, int64_t parts, bf16 *to, int64_t part_stride) {
  for (int64_t part = 0;; to += part_stride) {
    const __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh(second, first);
    _mm512_storeu_si512(to, rounded);
    if (++part == parts) return;
    first = _mm512_sub_ps(first, widened(_mm512_castsi512_si256(rounded)));
    second = _mm512_sub_ps(second, widened(_mm512_extracti64x4_epi64(rounded, 1)));
  }
}

ALWAYS __m512 inverse(__m512 x) {
  const __m512 near = _mm512_rcp14_ps(x);
  return _mm512_mul_ps(near, _mm512_fnmadd_ps(x, near, _mm512_set1_ps(2.0f)));
}

/* x times the share of a normal distribution below x, which is 1/2 + x P(x^2)/Q(x^2) to 1.3e-8. */
ALWAYS __m512 gelu(__m512 x) {
  const __m512 square = _mm512_mul_ps(x, x), half = _mm512_set1_ps(0.5f);
  __m512 p = _mm512_set1_ps(2.131381696e-08f), q = _mm512_set1_ps(1.158148431e-06f);
  p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(6.387984477e-06f));
  q = _mm512_fmadd_ps(q, square, _mm512_set1_ps(7.767651714e-05f));
  p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(1.823463345e-04f));
  q = _mm512_fmadd_ps(q, square, _mm512_set1_ps(1.961402295e-03f));
  p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(4.758867604e-03f));
  q = _mm512_fmadd_ps(q, square, _mm512_set1_ps(2.943003435e-02f));
  p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(3.523776437e-02f));
  q = _mm512_fmadd_ps(q, square, _mm512_set1_ps(2.549933100e-01f));
  p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(3.989421971e-01f));
  q = _mm512_fmadd_ps(q, square, _mm512_set1_ps(1.0f));
  const __m512 above = _mm512_mul_ps(_mm512_mul_ps(x, p), inverse(q));
  const __mmask16 far = _mm512_cmp_ps_mask(_mm512_abs_ps(x), _mm512_set1_ps(5.75f), _CMP_GT_OQ);
  const __m512 whole = _mm512_or_ps(half, _mm512_and_ps(x, _mm512_set1_ps(-0.0f)));
  return _mm512_mul_ps(x, _mm512_add_ps(half, _mm512_mask_mov_ps(above, far, whole)));
}

ALWAYS __m512 activated(__m512 x, int64_t activation) { return activation == GELU ? gelu(x) : x; }

ALWAYS __mmask16 first_of(int64_t count) { return count >= TILE ? 0xffff : count > 0 ? (1u << count) - 1 : 0; }

ALWAYS int64_t least(int64_t one, int64_t other) { return one < other ? one : other; }

ALWAYS int64_t blocks_of(int64_t count) { return (count + BLOCK - 1) / BLOCK; }

#endif
