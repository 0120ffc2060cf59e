extension Unicode.Scalar {
    /// Whether the character is invisible and acts on a terminal: controls, line ends, changes of the text's direction.
    package var controlsTerminal: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        default: false
        }
    }
}

extension String {
    /// The text without characters that would control a terminal: a registry's users choose the names of services.
    package var printable: String {
        var text = ""
        for scalar in unicodeScalars {
            if scalar.controlsTerminal {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
