/**
 * # `fisherlab export`: weights for PyTorch
 *
 * `fisherlab export glow-fashion_mnist --out weights.safetensors` writes a model as a plain state
 * dictionary, which the paper's PyTorch code reads by
 * `model.load_state_dict(safetensors.torch.load_file('weights.safetensors'))`: names, shapes and
 * types are those of the paper's code. `fisherlab import` reads it back bit for bit.
 */
import type { Command } from 'commander';
import { lab } from './lab';

export function register(program: Command): void {
  program
    .command('export')
    .description('write the weights of a model as a PyTorch state dictionary (safetensors)')
    .argument('<model>', 'a shipped model, or the path of a checkpoint')
    .requiredOption('--out <file>', 'the file to write')
    .action(async (name: string, { out }: { out: string }) => {
      const { models, startBackend } = lab();
      await startBackend();
      const { model } = models.loadModel(name);
      try {
        const tensors = models.stateDict(model);
        await models.writeSafetensors(out, tensors, { format: 'pt' });
        console.log(`${tensors.length} tensors are in ${out}`);
      } finally {
        models.disposeModel(model);
      }
    });
}
