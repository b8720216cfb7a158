// QUICDriver
