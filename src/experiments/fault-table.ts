/**
 * # The table of the fault campaign
 *
 * Says what was done to the program and how often, and how often it survived without a crash, lost
 * data or a missing message. `fisherlab bench faults` measures it and keeps it with the results.
 */
import * as v from 'valibot';
import { writeJson } from '../backend/index';
import { FAULTS, readResultsFile } from './results-file';

const FAULT = v.strictObject({
  what: v.string(),
  tried: v.number(),
  /** How many ended as they should. */
  survived: v.number(),
  /** How they ended, in words, with peak memory or the longest time. */
  note: v.string(),
});
const CAMPAIGN = v.strictObject({ seed: v.number(), faults: v.array(FAULT) });

/** One line of the table. */
export type Fault = v.InferOutput<typeof FAULT>;
export type FaultCampaign = v.InferOutput<typeof CAMPAIGN>;

/** Stores a campaign with the shipped results. */
export function keepFaults(campaign: FaultCampaign): Promise<void> {
  return writeJson(FAULTS, campaign);
}

/**
 * The shipped campaign.
 * @throws {FisherlabError} if there is none, or its file is damaged
 */
export function shippedFaults(): FaultCampaign {
  return readResultsFile(FAULTS, CAMPAIGN, 'fisherlab bench faults');
}
