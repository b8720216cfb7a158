// QUICCore
