/// Upper bounds of what a list may hold. Beyond them a list is refused, whatever it says.
public enum IMAListLimits {
    /// A template's name or format string (MAX_TEMPLATE_NAME_LEN, security/integrity/ima/ima_template.c, holds the longest
    /// of the kernel's own: 64 characters).
    public static let templateNameSize = 255
    /// The template data of one entry. The largest that a kernel writes carry an extended attribute (64 KiB), an
    /// appended signature or a measured buffer.
    public static let templateDataSize = 1 << 20
    /// A file's or buffer's name with its NUL (PATH_MAX).
    public static let eventNameSize = 4096
    /// A name in templates `ima` and `n`, without its NUL (IMA_EVENT_NAME_LEN_MAX).
    public static let shortEventNameSize = 255
    /// Fields of one template (IMA_TEMPLATE_NUM_FIELDS_MAX).
    public static let templateFields = 15
    /// One line of an ASCII list: the template data in hexadecimal, and what stands around it.
    public static let lineSize = 2 * templateDataSize + 1024
    /// A whole list. 100,000 entries are about 12 MiB.
    public static let listSize = 64 << 20
    /// Findings of one kind that are kept in full; the rest is counted.
    public static let findingsOfOneKind = 64
}
