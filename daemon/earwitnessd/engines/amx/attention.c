/* Self-attention of one layer, whose scores are biased by distance as much as each frame's gate says. */

#include <stdlib.h>

#include "tiles.h"

struct attention {
  const float *projected; /* queries, keys, values, and the logits of both gates, of each frame */
  const float *bias;      /* of each head: by distance, from the furthest key before to the furthest behind, then
                             room for a block */
  const float *gate_scale;
  bf16 *planes; /* what the heads heard, side by side */
  int64_t items, frames, heads, head_size;
  int64_t row;      /* numbers from one frame's to the next one's */
  int64_t bias_row; /* from one head's to the next one's */
  int64_t out_part, out_column;
  int64_t parts;
  int64_t threads;
};

/* What one thread needs for one head. */
struct bench {
  bf16 *queries, *keys, *values, *shares;
  float *scores;
};

enum { WEIGHTS = 2 * PACKED };

static void *after(char **place, int64_t bytes) {
  void *here = *place;
  *place += (bytes + 63) / 64 * 64;
  return here;
}

static void *set_up(const struct attention *a, struct bench *bench) {
  const int64_t whole = blocks_of(a->frames) * BLOCK * a->head_size * a->parts * (int64_t)sizeof(bf16);
  const int64_t shares = blocks_of(a->frames) * SUMS * a->parts * (int64_t)sizeof(bf16);
  const int64_t scores = blocks_of(a->frames) * SUMS * (int64_t)sizeof(float);
  char *memory = aligned_alloc(64, 3 * whole + shares + scores), *place = memory;
  if (!memory) return memory;
  bench->queries = after(&place, whole);
  bench->keys = after(&place, whole);
  bench->values = after(&place, whole);
  bench->shares = after(&place, shares);
  bench->scores = after(&place, scores);
  return memory;
}

/* e to the power of x, which is not above 0. */
ALWAYS __m512 exponential(__m512 x) {
  const __m512 twos = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 0);
  __m512 rest = _mm512_fnmadd_ps(twos, _mm512_set1_ps(0.693145752f), x);
  rest = _mm512_fnmadd_ps(twos, _mm512_set1_ps(1.42860677e-6f), rest);
  __m512 sum = _mm512_set1_ps(1.0f / 5040.0f);
  sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(1.0f / 720.0f));
  sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(1.0f / 120.0f));
  sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(1.0f / 24.0f));
  sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(1.0f / 6.0f));
  sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(0.5f));
  sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(1.0f));
  sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(sum, twos);
}

static float sigmoid(float x) {
  const float small = _mm512_cvtss_f32(exponential(_mm512_set1_ps(x < 0 ? x : -x)));
  return (x < 0 ? small : 1.0f) / (1.0f + small);
}

/* 16 numbers each of an even and an odd row, as weights take them; what is left is for the next part. */
ALWAYS __m512i paired(__m512 *even, __m512 *odd) {
  const __m256i low = (__m256i)_mm512_cvtneps_pbh(*even), high = (__m256i)_mm512_cvtneps_pbh(*odd);
  *even = _mm512_sub_ps(*even, widened(low));
  *odd = _mm512_sub_ps(*odd, widened(high));
  return _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

static void lay_out(const struct attention *a, const struct bench *bench, const float *projected) {
  const int64_t frames = blocks_of(a->frames), depth = a->head_size / BLOCK, width = a->heads * a->head_size;
  const int64_t plane = depth * frames * BLOCK * BLOCK;
  const __m512 scale = _mm512_div_ps(_mm512_set1_ps(1.0f), _mm512_sqrt_ps(_mm512_set1_ps((float)a->head_size)));
  const __m512i rows = _mm512_mullo_epi32(_mm512_set1_epi32(TILE), _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  for (int64_t frame = 0; frame < frames * BLOCK; frame++)
    for (int64_t column = 0; column < depth; column++) {
      const __mmask16 there = frame < a->frames ? 0xffff : 0;
      const float *query = projected + (there ? frame : 0) * a->row + column * BLOCK, *key = query + width;
      split(_mm512_mul_ps(_mm512_maskz_loadu_ps(there, query), scale),
            _mm512_mul_ps(_mm512_maskz_loadu_ps(there, query + TILE), scale), a->parts,
            bench->queries + column * frames * BLOCK * BLOCK + frame * BLOCK, plane);
      bf16 parts[3 * BLOCK] __attribute__((aligned(64)));
      split(_mm512_maskz_loadu_ps(there, key), _mm512_maskz_loadu_ps(there, key + TILE), a->parts, parts, BLOCK);
      bf16 *keys = bench->keys + (frame / BLOCK * depth + column) * a->parts * WEIGHTS + frame % BLOCK / TILE * PACKED;
      for (int64_t part = 0; part < a->parts; part++) /* a row of inputs becomes a column of weights */
        _mm512_i32scatter_epi32(keys + part * WEIGHTS + frame % TILE * 2, rows, _mm512_load_si512(parts + part * BLOCK), 4);
    }
  for (int64_t frame = 0; frame < frames * BLOCK; frame += 2)
    for (int64_t column = 0; column < a->head_size; column += TILE) {
      const float *value = projected + 2 * width + column;
      __m512 even = _mm512_setzero_ps(), odd = even;
      if (frame < a->frames) even = _mm512_loadu_ps(value + frame * a->row);
      if (frame + 1 < a->frames) odd = _mm512_loadu_ps(value + (frame + 1) * a->row);
      bf16 *values = bench->values + (column / BLOCK * frames + frame / BLOCK) * a->parts * WEIGHTS +
                     column % BLOCK / TILE * PACKED + frame % BLOCK / 2 * BLOCK;
      for (int64_t part = 0; part < a->parts; part++) _mm512_store_si512(values + part * WEIGHTS, paired(&even, &odd));
    }
}

/* A row of scores to the shares of its keys, not yet divided by their sum, which is returned. */
ALWAYS __m512 weigh(const struct attention *a, const struct bench *bench, int64_t row, const float *bias, float gate) {
  const int64_t frames = blocks_of(a->frames);
  float *scores = (float *)row_of(bench->scores, row);
  const __m512 gates = _mm512_set1_ps(gate);
  __m512 most = _mm512_set1_ps(-3.4e38f), sum = _mm512_setzero_ps(), sum2 = sum;
  for (int64_t block = 0; block < frames; block++)
    for (int64_t half = 0; half < 2; half++) {
      float *place = scores + block * SUMS + half * SQUARE;
      const int64_t key = block * BLOCK + half * TILE;
      const __m512 score = _mm512_fmadd_ps(gates, _mm512_loadu_ps(bias + key), _mm512_load_ps(place));
      _mm512_store_ps(place, score);
      most = _mm512_mask_max_ps(most, first_of(a->frames - key), most, score);
    }
  most = _mm512_set1_ps(_mm512_reduce_max_ps(most));
  for (int64_t block = 0; block < frames; block++) {
    const float *place = scores + block * SUMS;
    const int64_t left = a->frames - block * BLOCK;
    const __m512 first = _mm512_maskz_mov_ps(first_of(left), exponential(_mm512_sub_ps(_mm512_load_ps(place), most)));
    const __m512 second = _mm512_maskz_mov_ps(first_of(left - TILE), exponential(_mm512_sub_ps(_mm512_load_ps(place + SQUARE), most)));
    sum = _mm512_add_ps(sum, first);
    sum2 = _mm512_add_ps(sum2, second);
    split(first, second, a->parts, bench->shares + block * SUMS + row * BLOCK, frames * SUMS);
  }
  return _mm512_set1_ps(_mm512_reduce_add_ps(_mm512_add_ps(sum, sum2)));
}

/* 32 frames from `from` on. */
ALWAYS void hear(const struct attention *a, const struct bench *bench, int64_t item, int64_t head, int64_t from, int parts) {
  const int64_t frames = blocks_of(a->frames), depth = a->head_size / BLOCK, rows = least(BLOCK, a->frames - from);
  const float *gates = a->projected + (item * a->frames + from) * a->row + 3 * a->heads * a->head_size + head;
  const float *bias = a->bias + head * a->bias_row + a->frames - 1 - from;
  __m512 sums[BLOCK];
  for (int64_t block = 0; block < frames; block++) {
    begin_sums();
    for (int64_t column = 0; column < depth; column++)
      multiply(bench->queries + (column * frames * BLOCK + from) * BLOCK, BLOCK, depth * frames * SUMS,
               bench->keys + (block * depth + column) * parts * WEIGHTS, parts);
    store_sums(bench->scores + block * SUMS);
  }
  for (int64_t row = 0; row < rows; row++, gates += a->row, bias--) {
    const float gate = sigmoid(gates[0]) * (sigmoid(gates[a->heads]) * a->gate_scale[head] - 1.0f) + 2.0f;
    sums[row] = weigh(a, bench, row, bias, gate);
  }
  for (int64_t column = 0; column < depth; column++) {
    begin_sums();
    for (int64_t block = 0; block < frames; block++)
      multiply(bench->shares + block * SUMS, BLOCK, frames * SUMS, bench->values + (column * frames + block) * parts * WEIGHTS, parts);
    store_sums(bench->scores);
    bf16 *to = a->planes + (head * depth + column) * a->out_column + (item * a->frames + from) * BLOCK;
    for (int64_t row = 0; row < rows; row++) {
      const float *heard = row_of(bench->scores, row);
      split(_mm512_div_ps(_mm512_load_ps(heard), sums[row]), _mm512_div_ps(_mm512_load_ps(heard + SQUARE), sums[row]), parts,
            to + row * BLOCK, a->out_part);
    }
  }
}

/* All heads of all windows; what is not zero is a lack of memory. */
int earwitness_attend(const struct attention *a) {
  int failed = 0;
#pragma omp parallel num_threads(a->threads) if (a->threads > 1)
  {
    struct bench bench;
    void *memory = set_up(a, &bench);
    if (memory) {
      begin_tiles();
#pragma omp for collapse(2) schedule(dynamic)
      for (int64_t item = 0; item < a->items; item++)
        for (int64_t head = 0; head < a->heads; head++) {
          lay_out(a, &bench, a->projected + item * a->frames * a->row + head * a->head_size);
          for (int64_t from = 0; from < a->frames; from += BLOCK)
            if (a->parts == 1)
              hear(a, &bench, item, head, from, 1);
            else if (a->parts == 2)
              hear(a, &bench, item, head, from, 2);
            else
              hear(a, &bench, item, head, from, 3);
        }
      _tile_release();
      free(memory);
    } else {
#pragma omp atomic write
      failed = 1;
    }
  }
  return failed;
}
