// Inspection: what the machines do, as messages of the Stately inspection protocol, made from the journal by whoever looks.

export { type FeedReader, openFeed } from "./feed.ts";
