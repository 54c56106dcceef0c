/**
 * # The campaign of faults, as a table
 *
 * What was done to the program, how often, and how often something was lost, crashed or was silent:
 * `fisherlab bench faults` measures it and keeps it with the results.
 */
import * as v from 'valibot';
import { writeJson } from '../backend/index';
import { FAULTS, readResultsFile } from './results-file';

const FAULT = v.strictObject({
  what: v.string(),
  tried: v.number(),
  /** Those that ended as they should. */
  survived: v.number(),
  /** In words: how they ended, peak memory, the slowest. */
  note: v.string(),
});
const CAMPAIGN = v.strictObject({ seed: v.number(), faults: v.array(FAULT) });

/** One line of the table. */
export type Fault = v.InferOutput<typeof FAULT>;
export type FaultCampaign = v.InferOutput<typeof CAMPAIGN>;

/** Keeps a campaign with the results that ship. */
export function keepFaults(campaign: FaultCampaign): Promise<void> {
  return writeJson(FAULTS, campaign);
}

/**
 * The campaign that ships.
 * @throws {FisherlabError} if there is none, or its file is damaged
 */
export function shippedFaults(): FaultCampaign {
  return readResultsFile(FAULTS, CAMPAIGN, 'fisherlab bench faults');
}
