// Package blip2 is BLIP-2 and InstructBLIP: a Q-Former asks a picture's features
// as many questions as it has learned queries, and its answers, projected, stand
// ahead of the text of a language model, which need not have been trained with it.
// InstructBLIP's Q-Former reads the text too.
//
// BLIP-2, Li et al. 2023, https://arxiv.org/abs/2301.12597; InstructBLIP, Dai et
// al. 2023, https://arxiv.org/abs/2305.06500. Parameters are named as in Hugging
// Face checkpoints of Blip2ForConditionalGeneration and
// InstructBlipForConditionalGeneration.
package blip2
