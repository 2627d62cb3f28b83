/// The longest common subsequence of what was seen and what was expected: which element is which, in order. Decided by
/// digests alone, so that no label can move a pair.
package enum SequenceAlignment {
    /// Cells of the table: 4 million cost 16 MB for a moment. Beyond it a greedy walk gives a common subsequence that may
    /// not be the longest, which only makes more findings.
    static let maximumCells = 4 << 20

    /// - Returns: Pairs (seen, expected), ascending in both.
    package static func pairs(_ seen: Int, _ expected: Int, isMatch: (Int, Int) -> Bool) -> [(Int, Int)] {
        var pairs: [(Int, Int)] = []
        var start = 0
        while start < min(seen, expected), isMatch(start, start) {
            pairs.append((start, start))
            start += 1
        }
        var suffix: [(Int, Int)] = []
        var (seenEnd, expectedEnd) = (seen, expected)
        // The common end is cut off only where the table would be too large: of equal elements the first is to pair, so
        // that a repetition shows as the additional one.
        func fits() -> Bool { expectedEnd == start || seenEnd - start <= maximumCells / (expectedEnd - start) }
        while !fits(), seenEnd > start, expectedEnd > start, isMatch(seenEnd - 1, expectedEnd - 1) {
            seenEnd -= 1
            expectedEnd -= 1
            suffix.append((seenEnd, expectedEnd))
        }
        let (height, width) = (seenEnd - start, expectedEnd - start)
        if height > 0, width > 0 {
            let middle =
                fits()
                ? longest(height, width) { isMatch(start + $0, start + $1) }
                : greedy(height, width) { isMatch(start + $0, start + $1) }
            pairs += middle.map { (start + $0.0, start + $0.1) }
        }
        return pairs + suffix.reversed()
    }

    private static func longest(_ height: Int, _ width: Int, _ isMatch: (Int, Int) -> Bool) -> [(Int, Int)] {
        // lengths[row, column]: the longest common subsequence of the tails from row and column.
        let stride = width + 1
        var lengths = [Int32](repeating: 0, count: (height + 1) * stride)
        for row in (0..<height).reversed() {
            for column in (0..<width).reversed() {
                lengths[row * stride + column] =
                    isMatch(row, column)
                    ? lengths[(row + 1) * stride + column + 1] + 1
                    : max(lengths[(row + 1) * stride + column], lengths[row * stride + column + 1])
            }
        }
        var pairs: [(Int, Int)] = []
        var (row, column) = (0, 0)
        while row < height, column < width {
            if isMatch(row, column) {
                pairs.append((row, column))
                row += 1
                column += 1
            } else if lengths[(row + 1) * stride + column] >= lengths[row * stride + column + 1] {
                row += 1
            } else {
                column += 1
            }
        }
        return pairs
    }

    private static func greedy(_ height: Int, _ width: Int, _ isMatch: (Int, Int) -> Bool) -> [(Int, Int)] {
        var pairs: [(Int, Int)] = []
        var column = 0
        for row in 0..<height where column < width && isMatch(row, column) {
            pairs.append((row, column))
            column += 1
        }
        return pairs
    }
}
