/**
 * no-room    the target is full, or may not be written
 * bad-input  what was asked for cannot be
 * key        the key of this installation is not one
 * truncated  an archive that ends before its end
 * broken     something that is no evidence archive, or no longer one
 */
export type EvidenceErrorCode = 'no-room' | 'bad-input' | 'key' | 'truncated' | 'broken' | 'no-archive' | 'timestamp';
